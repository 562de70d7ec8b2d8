/* Sizes and offsets of every public structure, frozen. A line that stops compiling is an ABI break.
 * New structures and members are added by `make_layout.py --refresh`. */
#include "support/support.h"

#include <evreplay/backend.h>
#include <evreplay/bridge.h>
#include <evreplay/measure.h>
#include <evreplay/report.h>

#if UINTPTR_MAX == UINT64_MAX
#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "size of " #type)
#define AT(type, member, bytes) _Static_assert(offsetof(type, member) == (bytes), "offset of " #type "." #member)
#else /* offsets hold for 64-bit targets */
#define SIZE(type, bytes) _Static_assert(sizeof(type) <= (bytes), "size of " #type)
#define AT(type, member, bytes) _Static_assert(offsetof(type, member) <= (bytes), "offset of " #type "." #member)
#endif

/* pinned: begin */

SIZE(evr_arrow_column, 72);
AT(evr_arrow_column, struct_size, 0);
AT(evr_arrow_column, flags, 4);
AT(evr_arrow_column, name, 8);
AT(evr_arrow_column, format, 16);
AT(evr_arrow_column, valid, 24);
AT(evr_arrow_column, values, 32);
AT(evr_arrow_column, offsets, 40);
AT(evr_arrow_column, nulls, 48);
AT(evr_arrow_column, dictionary, 56);
AT(evr_arrow_column, dictionary_rows, 64);

SIZE(evr_artifact_options, 48);
AT(evr_artifact_options, struct_size, 0);
AT(evr_artifact_options, flags, 4);
AT(evr_artifact_options, results, 8);
AT(evr_artifact_options, input, 16);
AT(evr_artifact_options, protocol, 32);
AT(evr_artifact_options, seed, 40);

SIZE(evr_artifact_limits, 24);
AT(evr_artifact_limits, struct_size, 0);
AT(evr_artifact_limits, files, 4);
AT(evr_artifact_limits, file_bytes, 8);
AT(evr_artifact_limits, total_bytes, 16);

SIZE(evr_artifact_info, 128);
AT(evr_artifact_info, struct_size, 0);
AT(evr_artifact_info, flags, 4);
AT(evr_artifact_info, library, 8);
AT(evr_artifact_info, input, 24);
AT(evr_artifact_info, runtime, 40);
AT(evr_artifact_info, device, 56);
AT(evr_artifact_info, device_name, 72);
AT(evr_artifact_info, driver, 88);
AT(evr_artifact_info, protocol, 104);
AT(evr_artifact_info, seed, 120);

SIZE(evr_expected, 96);
AT(evr_expected, struct_size, 0);
AT(evr_expected, status, 4);
AT(evr_expected, key, 8);
AT(evr_expected, inputs, 24);
AT(evr_expected, initializer, 40);
AT(evr_expected, kernels, 56);
AT(evr_expected, trace_kernel_ns, 64);
AT(evr_expected, median_ns, 72);
AT(evr_expected, median_low_ns, 80);
AT(evr_expected, median_high_ns, 88);

SIZE(evr_device_desc, 120);
AT(evr_device_desc, struct_size, 0);
AT(evr_device_desc, flags, 4);
AT(evr_device_desc, name, 8);
AT(evr_device_desc, driver, 24);
AT(evr_device_desc, clock, 40);
AT(evr_device_desc, settings, 56);
AT(evr_device_desc, memory_bytes, 72);
AT(evr_device_desc, cache_bytes, 80);
AT(evr_device_desc, tick_ns, 88);
AT(evr_device_desc, clock_mhz, 96);
AT(evr_device_desc, memory_clock_mhz, 104);
AT(evr_device_desc, look_ns, 112);

SIZE(evr_device_state, 48);
AT(evr_device_state, struct_size, 0);
AT(evr_device_state, throttle, 4);
AT(evr_device_state, throttle_count, 8);
AT(evr_device_state, clock_mhz, 16);
AT(evr_device_state, memory_clock_mhz, 24);
AT(evr_device_state, temperature_c, 32);
AT(evr_device_state, power_w, 40);

SIZE(evr_backend, 248);
AT(evr_backend, struct_size, 0);
AT(evr_backend, abi, 4);
AT(evr_backend, self, 8);
AT(evr_backend, name, 16);
AT(evr_backend, version, 24);
AT(evr_backend, shutdown, 32);
AT(evr_backend, device_count, 40);
AT(evr_backend, why, 48);
AT(evr_backend, device_describe, 56);
AT(evr_backend, device_wait, 64);
AT(evr_backend, now_ns, 72);
AT(evr_backend, stream_open, 80);
AT(evr_backend, stream_close, 88);
AT(evr_backend, stream_wait, 96);
AT(evr_backend, span_new, 104);
AT(evr_backend, span_free, 112);
AT(evr_backend, span_begin, 120);
AT(evr_backend, span_end, 128);
AT(evr_backend, span_ns, 136);
AT(evr_backend, flush, 144);
AT(evr_backend, rest, 152);
AT(evr_backend, stream_native, 160);
AT(evr_backend, gate_close, 168);
AT(evr_backend, gate_open, 176);
AT(evr_backend, graph_begin, 184);
AT(evr_backend, graph_end, 192);
AT(evr_backend, graph_launch, 200);
AT(evr_backend, graph_free, 208);
AT(evr_backend, device_state, 216);
AT(evr_backend, kernels_begin, 224);
AT(evr_backend, kernels_end, 232);
AT(evr_backend, extension, 240);

SIZE(evr_str, 16);
AT(evr_str, data, 0);
AT(evr_str, len, 8);

SIZE(evr_allocator, 40);
AT(evr_allocator, struct_size, 0);
AT(evr_allocator, reserved, 4);
AT(evr_allocator, user, 8);
AT(evr_allocator, alloc, 16);
AT(evr_allocator, resize, 24);
AT(evr_allocator, release, 32);

SIZE(evr_context_options, 40);
AT(evr_context_options, struct_size, 0);
AT(evr_context_options, log_level, 4);
AT(evr_context_options, allocator, 8);
AT(evr_context_options, log, 16);
AT(evr_context_options, log_user, 24);
AT(evr_context_options, plugin_path, 32);

SIZE(evr_replay_batch_options, 128);
AT(evr_replay_batch_options, struct_size, 0);
AT(evr_replay_batch_options, flags, 4);
AT(evr_replay_batch_options, bridge, 8);
AT(evr_replay_batch_options, device, 16);
AT(evr_replay_batch_options, backend_path, 24);
AT(evr_replay_batch_options, protocol, 32);
AT(evr_replay_batch_options, threads, 40);
AT(evr_replay_batch_options, workers, 44);
AT(evr_replay_batch_options, max_bytes, 48);
AT(evr_replay_batch_options, seed, 56);
AT(evr_replay_batch_options, timeout_s, 64);
AT(evr_replay_batch_options, budget_s, 72);
AT(evr_replay_batch_options, worker, 80);
AT(evr_replay_batch_options, journal, 88);
AT(evr_replay_batch_options, input, 96);
AT(evr_replay_batch_options, progress, 104);
AT(evr_replay_batch_options, progress_user, 112);
AT(evr_replay_batch_options, visits, 120);
AT(evr_replay_batch_options, reserved, 124);

SIZE(evr_tensor_info, 72);
AT(evr_tensor_info, struct_size, 0);
AT(evr_tensor_info, dtype, 4);
AT(evr_tensor_info, rank, 8);
AT(evr_tensor_info, flags, 12);
AT(evr_tensor_info, shape, 16);
AT(evr_tensor_info, strides, 24);
AT(evr_tensor_info, storage_offset, 32);
AT(evr_tensor_info, storage_bytes, 40);
AT(evr_tensor_info, host_storage, 48);
AT(evr_tensor_info, device, 56);

SIZE(evr_bridge, 272);
AT(evr_bridge, struct_size, 0);
AT(evr_bridge, abi, 4);
AT(evr_bridge, self, 8);
AT(evr_bridge, name, 16);
AT(evr_bridge, version, 24);
AT(evr_bridge, shutdown, 32);
AT(evr_bridge, load_library, 40);
AT(evr_bridge, schemas, 48);
AT(evr_bridge, op_find, 56);
AT(evr_bridge, op_runs_on, 64);
AT(evr_bridge, device_check, 72);
AT(evr_bridge, device_wait, 80);
AT(evr_bridge, tensor_new, 88);
AT(evr_bridge, tensor_free, 96);
AT(evr_bridge, tensor_info, 104);
AT(evr_bridge, tensor_write, 112);
AT(evr_bridge, tensor_read, 120);
AT(evr_bridge, tensor_clone, 128);
AT(evr_bridge, tensor_to_dlpack, 136);
AT(evr_bridge, tensor_from_dlpack, 144);
AT(evr_bridge, call_new, 152);
AT(evr_bridge, call_run, 160);
AT(evr_bridge, call_result_count, 168);
AT(evr_bridge, call_result, 176);
AT(evr_bridge, call_free, 184);
AT(evr_bridge, seed, 192);
AT(evr_bridge, threads, 200);
AT(evr_bridge, describe, 208);
AT(evr_bridge, call_floor, 216);
AT(evr_bridge, folder, 224);
AT(evr_bridge, tensor_symmetric, 232);
AT(evr_bridge, record_begin, 240);
AT(evr_bridge, record_end, 248);
AT(evr_bridge, stream_own, 256);
AT(evr_bridge, call_autocast, 264);

SIZE(evr_custom_init, 56);
AT(evr_custom_init, struct_size, 0);
AT(evr_custom_init, reserved, 4);
AT(evr_custom_init, name, 8);
AT(evr_custom_init, op_names, 16);
AT(evr_custom_init, applies, 24);
AT(evr_custom_init, init, 32);
AT(evr_custom_init, destroy, 40);
AT(evr_custom_init, user, 48);

SIZE(evr_init_tensor, 56);
AT(evr_init_tensor, struct_size, 0);
AT(evr_init_tensor, dtype, 4);
AT(evr_init_tensor, rank, 8);
AT(evr_init_tensor, reserved, 12);
AT(evr_init_tensor, shape, 16);
AT(evr_init_tensor, strides, 24);
AT(evr_init_tensor, storage_offset, 32);
AT(evr_init_tensor, storage, 40);
AT(evr_init_tensor, storage_bytes, 48);

SIZE(evr_list, 16);
AT(evr_list, items, 0);
AT(evr_list, len, 8);

SIZE(evr_complex, 16);
AT(evr_complex, re, 0);
AT(evr_complex, im, 8);

SIZE(evr_value, 24);
AT(evr_value, kind, 0);
AT(evr_value, reserved, 4);
AT(evr_value, u, 8);

SIZE(evr_tensor, 96);
AT(evr_tensor, struct_size, 0);
AT(evr_tensor, dtype, 4);
AT(evr_tensor, rank, 8);
AT(evr_tensor, flags, 12);
AT(evr_tensor, shape, 16);
AT(evr_tensor, strides, 24);
AT(evr_tensor, storage_offset, 32);
AT(evr_tensor, storage_elements, 40);
AT(evr_tensor, dtype_text, 48);
AT(evr_tensor, device, 64);
AT(evr_tensor, init, 80);

SIZE(evr_argument, 88);
AT(evr_argument, struct_size, 0);
AT(evr_argument, flags, 4);
AT(evr_argument, name, 8);
AT(evr_argument, type, 24);
AT(evr_argument, value, 40);
AT(evr_argument, provenance, 64);
AT(evr_argument, reserved, 68);
AT(evr_argument, note, 72);

SIZE(evr_kernel, 32);
AT(evr_kernel, name, 0);
AT(evr_kernel, count, 16);
AT(evr_kernel, total_ns, 24);

SIZE(evr_batch_context, 56);
AT(evr_batch_context, struct_size, 0);
AT(evr_batch_context, reserved, 4);
AT(evr_batch_context, context_requests, 8);
AT(evr_batch_context, context_tokens, 16);
AT(evr_batch_context, context_cached, 24);
AT(evr_batch_context, generation_requests, 32);
AT(evr_batch_context, generation_tokens, 40);
AT(evr_batch_context, generation_cached, 48);

SIZE(evr_group, 72);
AT(evr_group, struct_size, 0);
AT(evr_group, size, 4);
AT(evr_group, name, 8);
AT(evr_group, description, 24);
AT(evr_group, backend, 40);
AT(evr_group, ranks, 56);
AT(evr_group, rank_count, 64);

SIZE(evr_extractor_options, 24);
AT(evr_extractor_options, struct_size, 0);
AT(evr_extractor_options, flags, 4);
AT(evr_extractor_options, torch_version, 8);

SIZE(evr_call, 64);
AT(evr_call, struct_size, 0);
AT(evr_call, status, 4);
AT(evr_call, reason, 8);
AT(evr_call, reserved, 12);
AT(evr_call, uid, 16);
AT(evr_call, count, 24);
AT(evr_call, cpu_ns, 32);
AT(evr_call, device_ns, 40);
AT(evr_call, op, 48);

SIZE(evr_statistics, 168);
AT(evr_statistics, struct_size, 0);
AT(evr_statistics, flags, 4);
AT(evr_statistics, count, 8);
AT(evr_statistics, median, 16);
AT(evr_statistics, median_low, 24);
AT(evr_statistics, median_high, 32);
AT(evr_statistics, coverage, 40);
AT(evr_statistics, mad, 48);
AT(evr_statistics, iqr, 56);
AT(evr_statistics, q1, 64);
AT(evr_statistics, q3, 72);
AT(evr_statistics, min, 80);
AT(evr_statistics, max, 88);
AT(evr_statistics, mean, 96);
AT(evr_statistics, std, 104);
AT(evr_statistics, drift, 112);
AT(evr_statistics, correlation, 120);
AT(evr_statistics, dip, 128);
AT(evr_statistics, mode_low, 136);
AT(evr_statistics, mode_high, 144);
AT(evr_statistics, mode_share, 152);
AT(evr_statistics, outliers, 160);

SIZE(evr_protocol, 184);
AT(evr_protocol, struct_size, 0);
AT(evr_protocol, stop, 4);
AT(evr_protocol, warmup, 8);
AT(evr_protocol, flush, 12);
AT(evr_protocol, launch, 16);
AT(evr_protocol, gate, 20);
AT(evr_protocol, throttle, 24);
AT(evr_protocol, flags, 28);
AT(evr_protocol, warmup_calls, 32);
AT(evr_protocol, samples, 40);
AT(evr_protocol, min_samples, 48);
AT(evr_protocol, max_samples, 56);
AT(evr_protocol, batch, 64);
AT(evr_protocol, flush_bytes, 72);
AT(evr_protocol, seed, 80);
AT(evr_protocol, precision, 88);
AT(evr_protocol, min_seconds, 96);
AT(evr_protocol, seconds, 104);
AT(evr_protocol, noise, 112);
AT(evr_protocol, device_seconds, 120);
AT(evr_protocol, entropy_angle, 128);
AT(evr_protocol, entropy_r2, 136);
AT(evr_protocol, gate_seconds, 144);
AT(evr_protocol, fill, 152);

SIZE(evr_meter_options, 40);
AT(evr_meter_options, struct_size, 0);
AT(evr_meter_options, device, 4);
AT(evr_meter_options, backend, 8);
AT(evr_meter_options, backend_path, 16);
AT(evr_meter_options, stream, 24);
AT(evr_meter_options, flags, 28);
AT(evr_meter_options, native_stream, 32);

SIZE(evr_measured, 56);
AT(evr_measured, struct_size, 0);
AT(evr_measured, flags, 4);
AT(evr_measured, run, 8);
AT(evr_measured, prepare, 16);
AT(evr_measured, user, 24);
AT(evr_measured, progress, 32);
AT(evr_measured, progress_user, 40);
AT(evr_measured, agree, 48);

SIZE(evr_conditions, 128);
AT(evr_conditions, struct_size, 0);
AT(evr_conditions, flags, 4);
AT(evr_conditions, launch, 8);
AT(evr_conditions, gate, 12);
AT(evr_conditions, batch, 16);
AT(evr_conditions, flush_bytes, 24);
AT(evr_conditions, warmup_calls, 32);
AT(evr_conditions, calls, 40);
AT(evr_conditions, discarded, 48);
AT(evr_conditions, gate_timeouts, 56);
AT(evr_conditions, harness_ns, 64);
AT(evr_conditions, tick_ns, 72);
AT(evr_conditions, host_ns, 80);
AT(evr_conditions, device_ns, 88);
AT(evr_conditions, wall_ns, 96);
AT(evr_conditions, precision, 104);
AT(evr_conditions, clock_mhz, 112);
AT(evr_conditions, temperature_c, 120);

SIZE(evr_perfdb_options, 24);
AT(evr_perfdb_options, struct_size, 0);
AT(evr_perfdb_options, flags, 4);
AT(evr_perfdb_options, lock_timeout_ms, 8);
AT(evr_perfdb_options, threads, 12);
AT(evr_perfdb_options, max_file_bytes, 16);

SIZE(evr_perfdb_run, 200);
AT(evr_perfdb_run, struct_size, 0);
AT(evr_perfdb_run, status, 4);
AT(evr_perfdb_run, op, 8);
AT(evr_perfdb_run, state, 24);
AT(evr_perfdb_run, core, 40);
AT(evr_perfdb_run, input_shapes, 56);
AT(evr_perfdb_run, input_types, 72);
AT(evr_perfdb_run, input_formats, 88);
AT(evr_perfdb_run, output_shapes, 104);
AT(evr_perfdb_run, output_types, 120);
AT(evr_perfdb_run, output_formats, 136);
AT(evr_perfdb_run, reason, 152);
AT(evr_perfdb_run, line, 168);
AT(evr_perfdb_run, duration_us, 176);
AT(evr_perfdb_run, ep_size, 184);

SIZE(evr_perfdb_update_options, 64);
AT(evr_perfdb_update_options, struct_size, 0);
AT(evr_perfdb_update_options, mode, 4);
AT(evr_perfdb_update_options, flags, 8);
AT(evr_perfdb_update_options, ep_size, 12);
AT(evr_perfdb_update_options, sources, 16);
AT(evr_perfdb_update_options, ops, 24);
AT(evr_perfdb_update_options, source_count, 32);
AT(evr_perfdb_update_options, op_count, 40);
AT(evr_perfdb_update_options, runs, 48);
AT(evr_perfdb_update_options, run_count, 56);

SIZE(evr_perfdb_totals, 120);
AT(evr_perfdb_totals, struct_size, 0);
AT(evr_perfdb_totals, complete, 4);
AT(evr_perfdb_totals, files, 8);
AT(evr_perfdb_totals, written, 16);
AT(evr_perfdb_totals, rows, 24);
AT(evr_perfdb_totals, updated, 32);
AT(evr_perfdb_totals, added, 40);
AT(evr_perfdb_totals, unchanged, 48);
AT(evr_perfdb_totals, missing, 56);
AT(evr_perfdb_totals, unmatched, 64);
AT(evr_perfdb_totals, deleted, 72);
AT(evr_perfdb_totals, duplicates, 80);
AT(evr_perfdb_totals, malformed, 88);
AT(evr_perfdb_totals, gaps, 96);
AT(evr_perfdb_totals, source_files, 104);
AT(evr_perfdb_totals, source_rows, 112);

SIZE(evr_perfdb_file, 136);
AT(evr_perfdb_file, struct_size, 0);
AT(evr_perfdb_file, status, 4);
AT(evr_perfdb_file, op, 8);
AT(evr_perfdb_file, name, 24);
AT(evr_perfdb_file, reason, 40);
AT(evr_perfdb_file, written, 56);
AT(evr_perfdb_file, reserved, 60);
AT(evr_perfdb_file, rows, 64);
AT(evr_perfdb_file, updated, 72);
AT(evr_perfdb_file, added, 80);
AT(evr_perfdb_file, unchanged, 88);
AT(evr_perfdb_file, missing, 96);
AT(evr_perfdb_file, unmatched, 104);
AT(evr_perfdb_file, deleted, 112);
AT(evr_perfdb_file, duplicates, 120);
AT(evr_perfdb_file, malformed, 128);

SIZE(evr_perfdb_gap, 80);
AT(evr_perfdb_gap, struct_size, 0);
AT(evr_perfdb_gap, reserved, 4);
AT(evr_perfdb_gap, op, 8);
AT(evr_perfdb_gap, name, 24);
AT(evr_perfdb_gap, signature, 40);
AT(evr_perfdb_gap, measured_us, 56);
AT(evr_perfdb_gap, profiled_us, 64);
AT(evr_perfdb_gap, ratio, 72);

SIZE(evr_perfdb_problem, 48);
AT(evr_perfdb_problem, struct_size, 0);
AT(evr_perfdb_problem, reserved, 4);
AT(evr_perfdb_problem, path, 8);
AT(evr_perfdb_problem, line, 24);
AT(evr_perfdb_problem, message, 32);

SIZE(evr_host, 32);
AT(evr_host, struct_size, 0);
AT(evr_host, abi, 4);
AT(evr_host, user, 8);
AT(evr_host, log, 16);
AT(evr_host, error, 24);

SIZE(evr_kernel_run, 40);
AT(evr_kernel_run, struct_size, 0);
AT(evr_kernel_run, stream, 4);
AT(evr_kernel_run, name, 8);
AT(evr_kernel_run, start_ns, 24);
AT(evr_kernel_run, duration_ns, 32);

SIZE(evr_ranks, 104);
AT(evr_ranks, struct_size, 0);
AT(evr_ranks, flags, 4);
AT(evr_ranks, rank, 8);
AT(evr_ranks, count, 12);
AT(evr_ranks, local_rank, 16);
AT(evr_ranks, local_count, 20);
AT(evr_ranks, group_size, 24);
AT(evr_ranks, expert_size, 28);
AT(evr_ranks, clock_offset_ns, 32);
AT(evr_ranks, user, 40);
AT(evr_ranks, begin, 48);
AT(evr_ranks, record, 56);
AT(evr_ranks, group, 64);
AT(evr_ranks, drop, 72);
AT(evr_ranks, largest, 80);
AT(evr_ranks, share, 88);
AT(evr_ranks, end, 96);

SIZE(evr_callable, 32);
AT(evr_callable, struct_size, 0);
AT(evr_callable, reserved, 4);
AT(evr_callable, self, 8);
AT(evr_callable, call, 16);
AT(evr_callable, free, 24);

SIZE(evr_host_hooks, 40);
AT(evr_host_hooks, struct_size, 0);
AT(evr_host_hooks, reserved, 4);
AT(evr_host_hooks, user, 8);
AT(evr_host_hooks, import_module, 16);
AT(evr_host_hooks, find_callable, 24);
AT(evr_host_hooks, symm_mem_args, 32);

SIZE(evr_runtime_options, 40);
AT(evr_runtime_options, struct_size, 0);
AT(evr_runtime_options, threads, 4);
AT(evr_runtime_options, bridge, 8);
AT(evr_runtime_options, device, 16);
AT(evr_runtime_options, max_bytes, 24);
AT(evr_runtime_options, seed, 32);

SIZE(evr_replayer_options, 8);
AT(evr_replayer_options, struct_size, 0);
AT(evr_replayer_options, flags, 4);

SIZE(evr_check, 40);
AT(evr_check, struct_size, 0);
AT(evr_check, verdict, 4);
AT(evr_check, name, 8);
AT(evr_check, detail, 24);

SIZE(evr_rank_result, 32);
AT(evr_rank_result, struct_size, 0);
AT(evr_rank_result, rank, 4);
AT(evr_rank_result, status, 8);
AT(evr_rank_result, reason, 12);
AT(evr_rank_result, median_ns, 16);
AT(evr_rank_result, first_run_ns, 24);

SIZE(evr_result, 304);
AT(evr_result, struct_size, 0);
AT(evr_result, flags, 4);
AT(evr_result, status, 8);
AT(evr_result, reason, 12);
AT(evr_result, index, 16);
AT(evr_result, uid, 24);
AT(evr_result, count, 32);
AT(evr_result, key, 40);
AT(evr_result, op, 56);
AT(evr_result, overload, 72);
AT(evr_result, arguments, 88);
AT(evr_result, detail, 104);
AT(evr_result, initializer, 120);
AT(evr_result, device, 136);
AT(evr_result, warnings, 152);
AT(evr_result, warning_count, 160);
AT(evr_result, checks, 168);
AT(evr_result, check_count, 176);
AT(evr_result, tensor_bytes, 184);
AT(evr_result, trace_kernel_ns, 192);
AT(evr_result, trace_cpu_ns, 200);
AT(evr_result, first_run_ns, 208);
AT(evr_result, statistics, 216);
AT(evr_result, conditions, 224);
AT(evr_result, protocol, 232);
AT(evr_result, samples, 248);
AT(evr_result, sample_count, 256);
AT(evr_result, ranks, 264);
AT(evr_result, rank_count, 272);
AT(evr_result, slowest_rank, 280);
AT(evr_result, visit, 284);
AT(evr_result, visits, 288);
AT(evr_result, visit_count, 296);

SIZE(evr_results_info, 112);
AT(evr_results_info, struct_size, 0);
AT(evr_results_info, flags, 4);
AT(evr_results_info, runtime, 8);
AT(evr_results_info, device, 24);
AT(evr_results_info, device_name, 40);
AT(evr_results_info, driver, 56);
AT(evr_results_info, input, 72);
AT(evr_results_info, seed, 88);
AT(evr_results_info, started_s, 96);
AT(evr_results_info, wall_s, 104);

SIZE(evr_compare_options, 32);
AT(evr_compare_options, struct_size, 0);
AT(evr_compare_options, flags, 4);
AT(evr_compare_options, threshold, 8);
AT(evr_compare_options, error_rate, 16);
AT(evr_compare_options, seed, 24);

SIZE(evr_change, 72);
AT(evr_change, struct_size, 0);
AT(evr_change, change, 4);
AT(evr_change, base, 8);
AT(evr_change, newer, 16);
AT(evr_change, ratio, 24);
AT(evr_change, ratio_low, 32);
AT(evr_change, ratio_high, 40);
AT(evr_change, p_value, 48);
AT(evr_change, detail, 56);

SIZE(evr_compare_summary, 96);
AT(evr_compare_summary, struct_size, 0);
AT(evr_compare_summary, flags, 4);
AT(evr_compare_summary, matched, 8);
AT(evr_compare_summary, regressions, 16);
AT(evr_compare_summary, improvements, 24);
AT(evr_compare_summary, added, 32);
AT(evr_compare_summary, gone, 40);
AT(evr_compare_summary, unknown, 48);
AT(evr_compare_summary, base_ns, 56);
AT(evr_compare_summary, newer_ns, 64);
AT(evr_compare_summary, ratio, 72);
AT(evr_compare_summary, ratio_low, 80);
AT(evr_compare_summary, ratio_high, 88);

SIZE(evr_rows_options, 72);
AT(evr_rows_options, struct_size, 0);
AT(evr_rows_options, mode, 4);
AT(evr_rows_options, map, 8);
AT(evr_rows_options, ops, 16);
AT(evr_rows_options, op_count, 24);
AT(evr_rows_options, source, 32);
AT(evr_rows_options, source_user, 40);
AT(evr_rows_options, max_file_bytes, 48);
AT(evr_rows_options, like, 56);
AT(evr_rows_options, like_count, 64);

SIZE(evr_row_info, 120);
AT(evr_row_info, struct_size, 0);
AT(evr_row_info, status, 4);
AT(evr_row_info, op, 8);
AT(evr_row_info, file, 24);
AT(evr_row_info, line, 40);
AT(evr_row_info, shapes, 48);
AT(evr_row_info, reason, 64);
AT(evr_row_info, composite, 80);
AT(evr_row_info, records, 96);
AT(evr_row_info, record_count, 104);
AT(evr_row_info, measured_us, 112);

SIZE(evr_store_options, 16);
AT(evr_store_options, struct_size, 0);
AT(evr_store_options, flags, 4);
AT(evr_store_options, lock_timeout_ms, 8);
AT(evr_store_options, reserved, 12);

SIZE(evr_store_changes, 32);
AT(evr_store_changes, struct_size, 0);
AT(evr_store_changes, reserved, 4);
AT(evr_store_changes, added, 8);
AT(evr_store_changes, known, 16);
AT(evr_store_changes, unusable, 24);

SIZE(evr_store_filter, 112);
AT(evr_store_filter, struct_size, 0);
AT(evr_store_filter, flags, 4);
AT(evr_store_filter, key, 8);
AT(evr_store_filter, op, 24);
AT(evr_store_filter, device_name, 40);
AT(evr_store_filter, runtime, 56);
AT(evr_store_filter, driver, 72);
AT(evr_store_filter, protocol, 88);
AT(evr_store_filter, limit, 104);

SIZE(evr_store_row, 200);
AT(evr_store_row, struct_size, 0);
AT(evr_store_row, reserved, 4);
AT(evr_store_row, key, 8);
AT(evr_store_row, op, 24);
AT(evr_store_row, overload, 40);
AT(evr_store_row, arguments, 56);
AT(evr_store_row, device_name, 72);
AT(evr_store_row, runtime, 88);
AT(evr_store_row, driver, 104);
AT(evr_store_row, protocol, 120);
AT(evr_store_row, input, 136);
AT(evr_store_row, taken_s, 152);
AT(evr_store_row, samples, 160);
AT(evr_store_row, median_ns, 168);
AT(evr_store_row, median_low_ns, 176);
AT(evr_store_row, median_high_ns, 184);
AT(evr_store_row, distance, 192);

SIZE(evr_store_csv_options, 72);
AT(evr_store_csv_options, struct_size, 0);
AT(evr_store_csv_options, flags, 4);
AT(evr_store_csv_options, device_name, 8);
AT(evr_store_csv_options, runtime, 24);
AT(evr_store_csv_options, driver, 40);
AT(evr_store_csv_options, problem, 56);
AT(evr_store_csv_options, user, 64);

SIZE(evr_store_csv_changes, 72);
AT(evr_store_csv_changes, struct_size, 0);
AT(evr_store_csv_changes, reserved, 4);
AT(evr_store_csv_changes, files, 8);
AT(evr_store_csv_changes, unchanged, 16);
AT(evr_store_csv_changes, foreign, 24);
AT(evr_store_csv_changes, rows, 32);
AT(evr_store_csv_changes, malformed, 40);
AT(evr_store_csv_changes, untimed, 48);
AT(evr_store_csv_changes, added, 56);
AT(evr_store_csv_changes, known, 64);

SIZE(evr_event, 160);
AT(evr_event, struct_size, 0);
AT(evr_event, kind, 4);
AT(evr_event, name, 8);
AT(evr_event, category, 24);
AT(evr_event, pid, 40);
AT(evr_event, tid, 56);
AT(evr_event, start_ns, 72);
AT(evr_event, duration_ns, 80);
AT(evr_event, parent, 88);
AT(evr_event, correlation, 96);
AT(evr_event, external_id, 104);
AT(evr_event, sequence, 112);
AT(evr_event, forward_thread, 120);
AT(evr_event, device, 128);
AT(evr_event, stream, 136);
AT(evr_event, track, 144);
AT(evr_event, signature, 148);
AT(evr_event, phase, 152);
AT(evr_event, reserved, 153);

SIZE(evr_trace_options, 48);
AT(evr_trace_options, struct_size, 0);
AT(evr_trace_options, flags, 4);
AT(evr_trace_options, threads, 8);
AT(evr_trace_options, reserved, 12);
AT(evr_trace_options, progress, 16);
AT(evr_trace_options, progress_user, 24);
AT(evr_trace_options, max_events, 32);
AT(evr_trace_options, window_bytes, 40);

SIZE(evr_source, 32);
AT(evr_source, struct_size, 0);
AT(evr_source, reserved, 4);
AT(evr_source, user, 8);
AT(evr_source, read, 16);
AT(evr_source, size, 24);

SIZE(evr_event_filter, 56);
AT(evr_event_filter, struct_size, 0);
AT(evr_event_filter, kind, 4);
AT(evr_event_filter, category, 8);
AT(evr_event_filter, name, 24);
AT(evr_event_filter, from_ns, 40);
AT(evr_event_filter, to_ns, 48);

SIZE(evr_event_desc, 184);
AT(evr_event_desc, struct_size, 0);
AT(evr_event_desc, phase, 4);
AT(evr_event_desc, reserved, 5);
AT(evr_event_desc, name, 8);
AT(evr_event_desc, category, 24);
AT(evr_event_desc, pid, 40);
AT(evr_event_desc, tid, 48);
AT(evr_event_desc, start_ns, 56);
AT(evr_event_desc, duration_ns, 64);
AT(evr_event_desc, correlation, 72);
AT(evr_event_desc, external_id, 80);
AT(evr_event_desc, sequence, 88);
AT(evr_event_desc, forward_thread, 96);
AT(evr_event_desc, device, 104);
AT(evr_event_desc, stream, 112);
AT(evr_event_desc, dims, 120);
AT(evr_event_desc, types, 136);
AT(evr_event_desc, strides, 152);
AT(evr_event_desc, values, 168);

SIZE(evr_trace_set_options, 32);
AT(evr_trace_set_options, struct_size, 0);
AT(evr_trace_set_options, flags, 4);
AT(evr_trace_set_options, threads, 8);
AT(evr_trace_set_options, reserved, 12);
AT(evr_trace_set_options, progress, 16);
AT(evr_trace_set_options, progress_user, 24);

SIZE(evr_rank, 104);
AT(evr_rank, struct_size, 0);
AT(evr_rank, rank, 4);
AT(evr_rank, world_size, 8);
AT(evr_rank, clock, 12);
AT(evr_rank, trace, 16);
AT(evr_rank, path, 24);
AT(evr_rank, host, 40);
AT(evr_rank, offset_ns, 56);
AT(evr_rank, offset_spread_ns, 64);
AT(evr_rank, collectives, 72);
AT(evr_rank, unmatched, 80);
AT(evr_rank, waited_ns, 88);
AT(evr_rank, awaited_ns, 96);

SIZE(evr_collective, 120);
AT(evr_collective, struct_size, 0);
AT(evr_collective, slowest_rank, 4);
AT(evr_collective, name, 8);
AT(evr_collective, group, 24);
AT(evr_collective, dtype, 40);
AT(evr_collective, elements, 56);
AT(evr_collective, sequence, 64);
AT(evr_collective, members, 72);
AT(evr_collective, group_size, 76);
AT(evr_collective, first_ns, 80);
AT(evr_collective, last_ns, 88);
AT(evr_collective, end_ns, 96);
AT(evr_collective, skew_ns, 104);
AT(evr_collective, shortest_ns, 112);

SIZE(evr_participation, 32);
AT(evr_participation, struct_size, 0);
AT(evr_participation, index, 4);
AT(evr_participation, uid, 8);
AT(evr_participation, start_ns, 16);
AT(evr_participation, duration_ns, 24);

/* pinned: end */

/* A caller compiled before the last members existed passes a smaller structure; what lies behind it must not be read. */
static void test_layout__older_caller(void **state)
{
    (void)state;
    static const size_t sizes[] = {offsetof(evr_context_options, allocator), offsetof(evr_context_options, log),
                                   offsetof(evr_context_options, plugin_path)};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        evr_context_options old;
        memset(&old, 0, sizes[i]);
        memset((char *)&old + sizes[i], 0x5A, sizeof old - sizes[i]);
        old.struct_size = (uint32_t)sizes[i];
        evr_context *ctx = NULL;
        assert_ok(evr_context_new(&old, &ctx, err));
        assert_int_equal(evr_context_plugin_path(ctx).len, 0);
        evr_context_free(ctx);
    }
}

/* A caller compiled against a later header passes a larger structure. */
static void test_layout__newer_caller(void **state)
{
    (void)state;
    struct {
        evr_context_options known;
        uint64_t later;
    } young = {.known = {.struct_size = sizeof young}};
    evr_context *ctx = NULL;
    evr_error *err = NULL;
    evr_status status = evr_context_new(&young.known, &ctx, &err);
    assert_int_equal(status, EVR_OK);
    evr_context_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout__older_caller),
        cmocka_unit_test(test_layout__newer_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
