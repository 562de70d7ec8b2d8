/**
 * @file
 * What a context knows of operators beyond PyTorch's own: where a namespace's operators come from, other names of operators, texts for
 * arguments that profilers drop, initializers of tensors, and arguments that live in symmetric memory.
 *
 * Everything here belongs to one @ref evr_context. The context begins with what is shipped (vLLM, SGLang, aiter, fbgemm, torchvision); what is
 * registered later for the same name replaces it.
 *
 * **How an operator is found.** When a record is set up, its operator is looked for
 * 1. in the dispatcher of the loaded tensor library,
 * 2. there under its alias,
 * 3. there once more after its namespace was imported, which happens once for each namespace and runtime,
 * 4. among the host's callables (evr_host_hooks::find_callable).
 *
 * When all fail, the error names each import that was tried and why it failed.
 *
 * **Imports.** A source that contains '/' or ends in ".so" is a shared library and loaded as it is. Everything else is the name of a module, given to
 * evr_host_hooks::import_module; without such a hook the shared libraries of the module are looked for in the module path and loaded. A trace is an
 * untrusted input: a namespace that is not registered is never imported, unless evr_allow_unknown_imports() was called.
 *
 * **Threads.** All functions may be called from several threads at once. Texts that look-ups return live as long as the context.
 */
#ifndef EVREPLAY_REGISTRY_H
#define EVREPLAY_REGISTRY_H

#include <evreplay/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @name Namespaces
 * @{ */
/** Where the operators of a namespace come from: libraries and modules, all of which are loaded, in that order. None takes the namespace out. @since 0.1 */
EVR_API evr_status evr_register_namespace(evr_context *ctx, evr_str name, const evr_str *sources, size_t count, evr_error **err);
/** Sources of a namespace, borrowed; NULL and 0 when it is not registered. @since 0.1 */
EVR_API const evr_str *evr_namespace_sources(evr_context *ctx, evr_str name, size_t *count);
/** Whether a namespace that is not registered may be imported as a module of its own name. Off at first. @since 0.1 */
EVR_API evr_status evr_allow_unknown_imports(evr_context *ctx, int32_t allow, evr_error **err);
/** 1 when it may. @since 0.1 */
EVR_API int32_t evr_unknown_imports_allowed(evr_context *ctx);
/** Folders, ':'-separated, in which modules are looked for before `$EVREPLAY_MODULE_PATH` and the folder the tensor library is installed in. @since 0.1 */
EVR_API evr_status evr_set_module_path(evr_context *ctx, evr_str folders, evr_error **err);
/** As set; empty at first. @since 0.1 */
EVR_API evr_str evr_module_path(evr_context *ctx);
/** @} */

/** @name Names and texts
 * @{ */
/** `op` of a trace is looked for as `target` where it does not exist itself. A `target` whose data is NULL takes the alias out. @since 0.1 */
EVR_API evr_status evr_register_alias(evr_context *ctx, evr_str op, evr_str target, evr_error **err);
/** The alias of an operator; empty when it has none. @since 0.1 */
EVR_API evr_str evr_alias_of(evr_context *ctx, evr_str op);
/** Text for every argument of that name whose own text the profiler dropped. The result carries a warning when it is used.
 *  A `value` whose data is NULL takes it out. @since 0.1 */
EVR_API evr_status evr_register_string_default(evr_context *ctx, evr_str argument, evr_str value, evr_error **err);
/** The text for arguments of that name; `data` is NULL when there is none. @since 0.1 */
EVR_API evr_str evr_string_default_of(evr_context *ctx, evr_str argument);
/** @} */

/** @name Options of initializers
 * Such as moe_distribution=zipf; see init.h for those of the built-in ones.
 * @{ */
EVR_API evr_status evr_set_init_option(evr_context *ctx, evr_str key, evr_str value, evr_error **err); /**< a `value` whose data is NULL takes it out @since 0.1 */
EVR_API evr_str evr_init_option_of(evr_context *ctx, evr_str key); /**< `data` is NULL when it was not set @since 0.1 */
/** @} */

/** @name Symmetric memory
 * @{ */
/**
 * Names the arguments of an operator that live in symmetric memory. They are put there before the operator is called, tensors inside of lists
 * included. The names are checked against the schema when the operator is first set up; evr_runtime_register_symm_mem_args() checks at once.
 * @since 0.1
 */
EVR_API evr_status evr_register_symm_mem_args(evr_context *ctx, evr_str op, const evr_str *names, size_t count, evr_error **err);
/** Names that were registered, borrowed; NULL and 0 when there are none. @since 0.1 */
EVR_API const evr_str *evr_symm_mem_args(evr_context *ctx, evr_str op, size_t *count);
/** @} */

/** A function of the host that stands in for an operator no dispatcher knows. */
typedef struct evr_callable {
    uint32_t struct_size; /**< sizeof(evr_callable), set by the library */
    uint32_t reserved;    /**< 0 */
    void *self;           /**< first argument of the functions */
    /** Runs it. `args` are the record's values in its order, tensors as live handles; `names` are theirs, "arg0"… when unknown. `replayer` is an evr_replayer. */
    evr_status (*call)(void *self, void *replayer, const void *args, const evr_str *names, size_t count, evr_error **err);
    void (*free)(void *self); /**< may be NULL */
} evr_callable;

/** What the program that embeds the library does for it. Unset functions are NULL. */
typedef struct evr_host_hooks {
    uint32_t struct_size; /**< sizeof(evr_host_hooks) */
    uint32_t reserved;    /**< 0 */
    void *user;           /**< first argument of the functions */
    /** Imports a module, such as "vllm._C", so that its operators exist. Fails with evr_error_make(). */
    evr_status (*import_module)(void *user, const char *module, evr_error **err);
    /** Finds a function by an operator's name. @return EVR_OK, EVR_E_NOT_FOUND */
    evr_status (*find_callable)(void *user, const char *op, evr_callable *out, evr_error **err);
    /** Names of symmetric-memory arguments that the tensor library itself was told of, one call of `visit` each. */
    evr_status (*symm_mem_args)(void *user, const char *op, void (*visit)(void *to, evr_str name), void *to, evr_error **err);
} evr_host_hooks;

/** Sets the hooks, which must live as long as the context's handles; NULL takes them out. @since 0.1 */
EVR_API evr_status evr_set_host_hooks(evr_context *ctx, const evr_host_hooks *hooks, evr_error **err);

/** @name Configuration
 * @{ */
/**
 * Registers what a JSON text says:
 * `{"namespaces": {"ns": ["module", "/path/lib.so"]}, "aliases": {"ns::a": "ns::b"}, "string_defaults": {"argument": "text"},
 *   "symm_mem_args": {"ns::op": ["argument"]}, "init_options": {"key": "value"}, "import_unknown": false, "module_path": "/folder"}`.
 * Relative paths of libraries stay relative to the working folder.
 * @return EVR_OK · EVR_E_FORMAT, EVR_E_TRUNCATED (with byte offset; what stood before it is registered) · EVR_E_NOMEM
 * @since 0.1
 */
EVR_API evr_status evr_configure(evr_context *ctx, const void *text, size_t size, evr_error **err);
/** All that evr_configure() could have set, as such a text: for another process to begin with. Free with evr_text_free(). @since 0.1 */
EVR_API evr_status evr_configuration(evr_context *ctx, char **out, size_t *size, evr_error **err);
/** As evr_configure(), from a file. @since 0.1 */
EVR_API evr_status evr_configure_file(evr_context *ctx, const char *path, evr_error **err);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
