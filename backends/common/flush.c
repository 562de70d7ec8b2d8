/* Emptying the last-level cache: a buffer is written; for a clean cache another one, which is never written, is read by a
 * little kernel. */
#include "gpu.h"

enum { BLOCKS_PER_PROCESSOR = 8 };

void gpu_flush_free(gpu *g, gpu_device *device)
{
    gpu_address *blocks[] = {&device->written, &device->unwritten, &device->sink};
    for (size_t i = 0; i < 3; i++) {
        if (*blocks[i])
            g->ops.memory_free(g, *blocks[i]);
        *blocks[i] = 0;
    }
    if (device->module)
        g->calls.module_unload(device->module);
    device->module = device->read = NULL;
    device->flush_bytes = 0;
}

static evr_status make_room(gpu *g, gpu_device *device, uint64_t bytes, evr_error **err)
{
    if (device->flush_bytes >= bytes)
        return EVR_OK;
    if (device->flush_bytes) {
        g->calls.wait(); /* a flush may be running over the buffers of before */
        gpu_flush_free(g, device);
    }
    int error = g->ops.memory_new(g, &device->written, bytes);
    if (error == GPU_OK)
        error = g->ops.memory_new(g, &device->unwritten, bytes);
    if (error == GPU_OK)
        error = g->ops.memory_new(g, &device->sink, sizeof(uint64_t));
    if (error == GPU_OK) {
        device->flush_bytes = bytes;
        return EVR_OK;
    }
    gpu_flush_free(g, device);
    return gpu_fail(g, err, error, "taking memory for the flush");
}

static evr_status load_read(gpu *g, gpu_device *device, evr_error **err)
{
    const void *image = NULL;
    evr_status status = g->ops.image(g, device, &image, err);
    if (status != EVR_OK)
        return status;
    int error = g->calls.module_load(&device->module, image);
    if (error != GPU_OK)
        device->module = NULL;
    else if ((error = g->calls.module_function(&device->read, device->module, "evr_flush_read")) != GPU_OK) {
        g->calls.module_unload(device->module);
        device->module = device->read = NULL;
    }
    if (g->ops.image_free)
        g->ops.image_free(image);
    return error == GPU_OK ? EVR_OK : gpu_fail(g, err, error, "loading the kernel that reads the flush buffer");
}

static evr_status read_pass(gpu *g, evr_backend_stream *stream, uint64_t bytes, evr_error **err)
{
    gpu_device *device = stream->device;
    uint64_t words = bytes / sizeof(uint64_t);
    void *arguments[] = {&device->unwritten, &words, &device->sink};
    unsigned blocks = (unsigned)(device->processors * BLOCKS_PER_PROCESSOR);
    evr_status status = device->read ? EVR_OK : load_read(g, device, err);
    if (status != EVR_OK)
        return status;
    int error = g->calls.launch(device->read, blocks, 1, 1, GPU_READ_THREADS, 1, 1, 0, stream->handle, arguments, NULL);
    return error == GPU_OK ? EVR_OK : gpu_fail(g, err, error, "reading the flush buffer");
}

static evr_status flush_within(gpu *g, evr_backend_stream *stream, int32_t how, uint64_t bytes, evr_error **err)
{
    gpu_device *device = stream->device;
    evr_status status = make_room(g, device, bytes, err);
    if (status != EVR_OK)
        return status;
    int error = g->ops.memory_set(g, device->written, (unsigned char)++device->turn, bytes, stream->handle);
    if (error != GPU_OK)
        return gpu_fail(g, err, error, "writing the flush buffer");
    return how == EVR_FLUSH_WRITE_READ ? read_pass(g, stream, bytes, err) : EVR_OK;
}

evr_status gpu_flush(void *self, evr_backend_stream *stream, int32_t how, uint64_t bytes, evr_error **err)
{
    gpu *g = self;
    if (how == EVR_FLUSH_NONE)
        return EVR_OK;
    if (how != EVR_FLUSH_WRITE && how != EVR_FLUSH_WRITE_READ)
        return gpu_refuse(g, err, EVR_E_INVALID, "this way to flush is not known");
    bytes = bytes ? bytes : stream->device->cache_bytes;
    if (bytes == 0)
        return gpu_refuse(g, err, EVR_E_UNSUPPORTED,
                          "the size of this device's cache is not known: say how many bytes to flush");
    evr_status status = gpu_enter(g, stream->device, err);
    if (status != EVR_OK)
        return status;
    status = flush_within(g, stream, how, bytes, err);
    gpu_leave(g);
    return status;
}
