/* Modules without Python: the shared libraries that a package brings, loaded for the operators they register. */
#ifndef EVR_REPLAY_MODULES_H
#define EVR_REPLAY_MODULES_H

#include "replay/runtime.h"

/* True for what is a path of a library, not the name of a module. */
bool evr_module_is_library(evr_str source);

/* Loads all libraries of a module such as "vllm._C": the file vllm/_C.*so, or every library in the folder vllm/_C, found in the module path,
 * $EVREPLAY_MODULE_PATH and the folder that the tensor library is installed in.
 * @return EVR_OK (at least one was loaded) · EVR_E_NOT_FOUND · EVR_E_PLUGIN (none could be loaded) · EVR_E_NOMEM */
evr_status evr_module_load(evr_runtime *r, evr_str module, evr_error **err);

#endif
