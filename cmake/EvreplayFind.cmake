# The libraries the core stands on, as imported or built targets: evreplay_simdjson, evreplay_isal, evreplay_zstd, evreplay_sqlite.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.37)

add_library(evreplay_simdjson INTERFACE)
if(NOT EVREPLAY_SIMDJSON)
  find_package(simdjson REQUIRED)
  target_link_libraries(evreplay_simdjson INTERFACE simdjson::simdjson)
elseif(EXISTS ${EVREPLAY_SIMDJSON}/simdjson.cpp) # its amalgamated source, built into the library
  add_library(evreplay_simdjson_source OBJECT ${EVREPLAY_SIMDJSON}/simdjson.cpp)
  target_include_directories(evreplay_simdjson_source SYSTEM PUBLIC ${EVREPLAY_SIMDJSON})
  target_include_directories(evreplay_simdjson SYSTEM INTERFACE ${EVREPLAY_SIMDJSON})
else() # a prefix with include/ and lib/
  find_library(EVREPLAY_SIMDJSON_LIBRARY NAMES libsimdjson.a simdjson
               PATHS ${EVREPLAY_SIMDJSON} PATH_SUFFIXES lib lib64 NO_DEFAULT_PATH REQUIRED)
  find_path(EVREPLAY_SIMDJSON_INCLUDE simdjson.h PATHS ${EVREPLAY_SIMDJSON} PATH_SUFFIXES include NO_DEFAULT_PATH REQUIRED)
  target_include_directories(evreplay_simdjson SYSTEM INTERFACE ${EVREPLAY_SIMDJSON_INCLUDE})
  target_link_libraries(evreplay_simdjson INTERFACE ${EVREPLAY_SIMDJSON_LIBRARY})
endif()
