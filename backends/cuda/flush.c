/* Emptying the L2 cache: a buffer is written; for a clean cache another one, which is never written, is read by a little
 * kernel. */
#include "cuda.h"

#include <stdio.h>

enum { THREADS = 256, BLOCKS_PER_PROCESSOR = 8 };

/* Each thread reads words a grid apart. What they add up to is written only if it is one value of 2^64, so the reads cannot
 * be left out. Old PTX: every driver since CUDA 9 translates it for its device. */
static const char read_ptx[] = ".version 6.0\n"
                               ".target sm_50\n"
                               ".address_size 64\n"
                               ".visible .entry evr_flush_read(.param .u64 from, .param .u64 words, .param .u64 sink)\n"
                               "{\n"
                               "    .reg .pred %p<2>;\n"
                               "    .reg .b32 %r<4>;\n"
                               "    .reg .b64 %d<9>;\n"
                               "    ld.param.u64 %d0, [from];\n"
                               "    ld.param.u64 %d1, [words];\n"
                               "    ld.param.u64 %d2, [sink];\n"
                               "    mov.u32 %r0, %ctaid.x;\n"
                               "    mov.u32 %r1, %ntid.x;\n"
                               "    mov.u32 %r2, %tid.x;\n"
                               "    mov.u32 %r3, %nctaid.x;\n"
                               "    mul.wide.u32 %d3, %r0, %r1;\n"
                               "    cvt.u64.u32 %d4, %r2;\n"
                               "    add.u64 %d3, %d3, %d4;\n"
                               "    mul.wide.u32 %d5, %r1, %r3;\n"
                               "    mov.u64 %d6, 0;\n"
                               "next:\n"
                               "    setp.ge.u64 %p0, %d3, %d1;\n"
                               "    @%p0 bra done;\n"
                               "    shl.b64 %d7, %d3, 3;\n"
                               "    add.u64 %d7, %d0, %d7;\n"
                               "    ld.global.u64 %d8, [%d7];\n"
                               "    xor.b64 %d6, %d6, %d8;\n"
                               "    add.u64 %d3, %d3, %d5;\n"
                               "    bra next;\n"
                               "done:\n"
                               "    setp.ne.u64 %p1, %d6, 0x5eed5eed5eed5eed;\n"
                               "    @%p1 bra end;\n"
                               "    st.global.u64 [%d2], %d6;\n"
                               "end:\n"
                               "    ret;\n"
                               "}\n";

void cuda_flush_free(cuda *c, cuda_device *device)
{
    cu_pointer *blocks[] = {&device->written, &device->unwritten, &device->sink};
    for (size_t i = 0; i < 3; i++) {
        if (*blocks[i])
            c->d.memory_free(*blocks[i]);
        *blocks[i] = 0;
    }
    if (device->module)
        c->d.module_unload(device->module);
    device->module = device->read = NULL;
    device->flush_bytes = 0;
}

static evr_status make_room(cuda *c, cuda_device *device, uint64_t bytes, evr_error **err)
{
    if (device->flush_bytes >= bytes)
        return EVR_OK;
    if (device->flush_bytes) {
        c->d.context_wait(); /* a flush may be running over the buffers of before */
        cuda_flush_free(c, device);
    }
    int error = c->d.memory_new(&device->written, bytes);
    if (error == CU_OK)
        error = c->d.memory_new(&device->unwritten, bytes);
    if (error == CU_OK)
        error = c->d.memory_new(&device->sink, sizeof(uint64_t));
    if (error == CU_OK) {
        device->flush_bytes = bytes;
        return EVR_OK;
    }
    cuda_flush_free(c, device);
    return cuda_fail(c, err, error, "taking memory for the flush");
}

static evr_status read_pass(cuda *c, evr_backend_stream *stream, uint64_t bytes, evr_error **err)
{
    cuda_device *device = stream->device;
    uint64_t words = bytes / sizeof(uint64_t);
    void *arguments[] = {&device->unwritten, &words, &device->sink};
    int error = CU_OK;
    if (!device->read) {
        error = c->d.module_load(&device->module, read_ptx);
        if (error == CU_OK)
            error = c->d.module_function(&device->read, device->module, "evr_flush_read");
    }
    if (error == CU_OK)
        error = c->d.launch(device->read, (unsigned)(device->processors * BLOCKS_PER_PROCESSOR), 1, 1, THREADS, 1, 1, 0,
                            stream->handle, arguments, NULL);
    return error == CU_OK ? EVR_OK : cuda_fail(c, err, error, "reading the flush buffer");
}

static evr_status flush_within(cuda *c, evr_backend_stream *stream, int32_t how, uint64_t bytes, evr_error **err)
{
    cuda_device *device = stream->device;
    evr_status status = make_room(c, device, bytes, err);
    if (status != EVR_OK)
        return status;
    int error = c->d.memory_set(device->written, (unsigned char)++device->turn, bytes, stream->handle);
    if (error != CU_OK)
        return cuda_fail(c, err, error, "writing the flush buffer");
    return how == EVR_FLUSH_WRITE_READ ? read_pass(c, stream, bytes, err) : EVR_OK;
}

evr_status cuda_flush(cuda *c, evr_backend_stream *stream, int32_t how, uint64_t bytes, evr_error **err)
{
    if (how == EVR_FLUSH_NONE)
        return EVR_OK;
    if (how != EVR_FLUSH_WRITE && how != EVR_FLUSH_WRITE_READ)
        return cuda_refuse(c, err, EVR_E_INVALID, "this way to flush is not known");
    bytes = bytes ? bytes : stream->device->l2_bytes;
    if (bytes == 0)
        return cuda_refuse(c, err, EVR_E_UNSUPPORTED,
                           "the size of this device's cache is not known: say how many bytes to flush");
    evr_status status = cuda_enter(c, stream->device, err);
    if (status != EVR_OK)
        return status;
    status = flush_within(c, stream, how, bytes, err);
    cuda_leave(c);
    return status;
}
