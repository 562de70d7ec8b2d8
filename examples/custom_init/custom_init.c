/* What a library with operators of its own does: it says what their tensors must hold. Here the offsets of bags in aten::_embedding_bag: they rise, and the library's
 * table spreads them evenly; this one wants them all at the start, so that one bag holds everything.
 * usage: custom_init [BRIDGE] */
#include <evreplay/evreplay.h>

#include <stdio.h>
#include <string.h>

/* region vtable */
typedef struct bags {
    int filled, destroyed; /* for the reader: how often each was called */
} bags;

/* One bag that holds everything: all offsets but the first lie behind the last index. */
static evr_status fill_offsets(void *user, evr_init_view *view, evr_error **err)
{
    enum { MOST = 64 };
    int64_t offsets[MOST] = {0};
    evr_init_tensor indices = {EVR_INIT(evr_init_tensor)}, at = {EVR_INIT(evr_init_tensor)};
    size_t arg = evr_init_find(view, "offsets");
    evr_status status = evr_init_tensor_at(view, evr_init_find(view, "indices"), 0, &indices, err);
    if (status == EVR_OK)
        status = evr_init_tensor_at(view, arg, 0, &at, err);
    if (status != EVR_OK)
        return status; /* a warning on the result; the record runs with what the library filled */
    if (indices.rank != 1 || at.rank != 1 || at.shape[0] > MOST)
        return EVR_PASSTHROUGH; /* not ours: the next one is asked */
    for (int64_t i = 1; i < at.shape[0]; i++)
        offsets[i] = indices.shape[0];
    ((bags *)user)->filled++;
    return evr_init_write_i64(view, arg, 0, offsets, (size_t)at.shape[0], err);
}

static void destroy(void *user) { ((bags *)user)->destroyed++; }

static evr_status register_bags(evr_context *ctx, bags *user, evr_error **err)
{
    static const char *const ops[] = {"aten::_embedding_bag", NULL};
    const evr_custom_init one_bag = {EVR_INIT(evr_custom_init), .name = "OneBagInit", .op_names = ops, .init = fill_offsets, .destroy = destroy, .user = user};
    return evr_register_custom_init(ctx, &one_bag, err);
}
/* endregion vtable */

static const char record[] = "{\"evreplay_ir\":1,\"records\":[{\"op\":\"aten::_embedding_bag\",\"args\":["
                             "{\"name\":\"weight\",\"type\":\"Tensor\",\"value\":{\"tensor\":{\"shape\":[10,4],\"strides\":[4,1],\"dtype\":\"float32\"}}},"
                             "{\"name\":\"indices\",\"type\":\"Tensor\",\"value\":{\"tensor\":{\"shape\":[6],\"strides\":[1],\"dtype\":\"int64\"}}},"
                             "{\"name\":\"offsets\",\"type\":\"Tensor\",\"value\":{\"tensor\":{\"shape\":[3],\"strides\":[1],\"dtype\":\"int64\"}}}]}]}";

/* region replay */
/* Replays the record and reads back its first result: a row of sums for each bag, zeros for an empty one. */
static evr_status replay(evr_context *ctx, const char *bridge, float sums[3][4], evr_error **err)
{
    const evr_runtime_options options = {EVR_INIT(evr_runtime_options), .bridge = bridge};
    evr_runtime *runtime = NULL;
    evr_replayer *replayer = NULL;
    evr_ir_set *set = NULL;
    evr_value result;
    evr_status status = evr_runtime_open(ctx, &options, &runtime, err);
    if (status == EVR_OK)
        status = evr_ir_read(ctx, record, strlen(record), &set, err);
    if (status == EVR_OK)
        status = evr_replayer_new(runtime, evr_ir_set_at(set, 0), NULL, &replayer, err);
    if (status == EVR_OK)
        status = evr_replayer_run(replayer, err);
    if (status == EVR_OK)
        status = evr_replayer_result(replayer, 0, &result, err);
    if (status == EVR_OK)
        status = evr_replayer_read(replayer, &result, 0, sums, 3 * sizeof *sums, err);
    evr_replayer_free(replayer);
    evr_ir_set_free(set);
    evr_runtime_free(runtime);
    return status;
}
/* endregion replay */

int main(int argc, char **argv)
{
    evr_context *ctx = NULL;
    evr_error *err = NULL;
    bags user = {0};
    float sums[3][4] = {{0}};
    evr_status status = evr_context_new(NULL, &ctx, &err);
    if (status == EVR_OK)
        status = register_bags(ctx, &user, &err);
    if (status == EVR_OK)
        printf("first asked: %s\n", evr_custom_init_name(ctx, 0).data);
    if (status == EVR_OK)
        status = replay(ctx, argc > 1 ? argv[1] : NULL, sums, &err);
    if (status == EVR_OK)
        printf("filled %d time(s); bags: %s %s %s\n", user.filled, sums[0][0] != 0 ? "full" : "empty", sums[1][0] != 0 ? "full" : "empty",
               sums[2][0] != 0 ? "full" : "empty");
    else
        fprintf(stderr, "custom_init: %s\n%s\n", evr_error_message(err), evr_error_hint(err));
    evr_error_free(err);
    evr_context_free(ctx); /* the context's end is the vtable's */
    printf("destroyed %d time(s)\n", user.destroyed);
    return status == EVR_OK ? 0 : status == EVR_E_PLUGIN ? 5 : 1;
}
