/* Times something by a backend that was built elsewhere.
 * usage: measure FOLDER_OR_FILE_OF_THE_BACKEND */
#include <evreplay/measure.h>

#include <stdio.h>

/* region measured */
static evr_status spin(void *user, evr_error **err)
{
    volatile double *sum = user;
    (void)err;
    for (int i = 0; i < 20000; i++)
        *sum += i;
    return EVR_OK;
}
/* endregion measured */

static evr_status measure(evr_context *ctx, const char *where, evr_error **err)
{
    /* region measure */
    const evr_meter_options options = {EVR_INIT(evr_meter_options), .backend = "cputime", .backend_path = where};
    const evr_protocol protocol = {EVR_INIT(evr_protocol), .stop = EVR_STOP_COUNT, .samples = 50};
    double sum = 0;
    const evr_measured what = {EVR_INIT(evr_measured), .run = spin, .user = &sum};
    evr_meter *meter = NULL;
    evr_measurement *measurement = NULL;
    evr_status status = evr_meter_open(ctx, &options, &meter, err);
    if (status == EVR_OK)
        status = evr_measure(meter, &protocol, &what, &measurement, err);
    /* endregion measure */
    if (status == EVR_OK) {
        evr_statistics statistics = {EVR_INIT(evr_statistics)};
        evr_device_desc device = {EVR_INIT(evr_device_desc)};
        evr_measurement_statistics(measurement, &statistics);
        status = evr_meter_device(meter, &device, err);
        printf("%s by %s: %d samples, %s\n", device.name.data, device.clock.data, (int)statistics.count, statistics.median > 0 ? "took time" : "took no time");
    }
    evr_measurement_free(measurement);
    evr_meter_free(meter);
    return status;
}

int main(int argc, char **argv)
{
    evr_context *ctx = NULL;
    evr_error *err = NULL;
    evr_status status = evr_context_new(NULL, &ctx, &err);
    if (status == EVR_OK)
        status = measure(ctx, argc > 1 ? argv[1] : NULL, &err);
    if (status != EVR_OK)
        fprintf(stderr, "measure: %s\n%s\n", evr_error_message(err), evr_error_hint(err));
    evr_error_free(err);
    evr_context_free(ctx);
    return status == EVR_OK ? 0 : 1;
}
