# Compile flags that every target of the project shares.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON) # clock_gettime, dladdr and friends
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

add_library(evreplay_flags INTERFACE)
target_compile_options(evreplay_flags INTERFACE
  -Wall -Wextra -Wshadow -Wpointer-arith -Wundef
  -Wno-missing-field-initializers # {EVR_INIT(type)} leaves the rest zero, on purpose
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes>
  $<$<BOOL:${EVREPLAY_WERROR}>:-Werror>)
target_compile_definitions(evreplay_flags INTERFACE _GNU_SOURCE)

if(EVREPLAY_SANITIZE)
  add_compile_options(-fsanitize=${EVREPLAY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${EVREPLAY_SANITIZE})
endif()
if(EVREPLAY_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(EVREPLAY_CCACHE ccache)
if(EVREPLAY_CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${EVREPLAY_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${EVREPLAY_CCACHE})
endif()
