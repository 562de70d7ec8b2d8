# What `cmake --install` puts where: headers, libraries, plug-ins, the command, evreplay.pc and the CMake package.
install(DIRECTORY include/evreplay DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS evreplay EXPORT evreplay LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS evreplay_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(EVREPLAY_STATIC)
  install(TARGETS evreplay_static ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}) # its CMake target: evreplay-config.cmake.in
endif()
install(EXPORT evreplay NAMESPACE evreplay:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/evreplay FILE evreplay-targets.cmake)

# What a user of the archive must link: simdjson is inside it, given as a file, or the system's.
set(archive_simdjson -lsimdjson)
if(TARGET evreplay_simdjson_source)
  set(archive_simdjson "")
elseif(EVREPLAY_SIMDJSON)
  set(archive_simdjson ${EVREPLAY_SIMDJSON_LIBRARY})
endif()

configure_package_config_file(cmake/evreplay-config.cmake.in ${PROJECT_BINARY_DIR}/evreplay-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/evreplay)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/evreplay-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/evreplay-config.cmake ${PROJECT_BINARY_DIR}/evreplay-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/evreplay)

# evreplay.pc finds its prefix from where it lies, so that an installed tree can be moved.
file(RELATIVE_PATH pc_to_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")
file(RELATIVE_PATH pc_libdir ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_LIBDIR})
file(RELATIVE_PATH pc_includedir ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
configure_file(pkgconfig/evreplay.pc.in ${PROJECT_BINARY_DIR}/evreplay.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/evreplay.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(EVREPLAY_STATIC) # a package of its own: linkers prefer the shared library where -levreplay finds both
  configure_file(pkgconfig/evreplay-static.pc.in ${PROJECT_BINARY_DIR}/evreplay-static.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/evreplay-static.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()

# A wheel has no symbolic links: there the library is one file of one name.
if(SKBUILD)
  set_property(TARGET evreplay PROPERTY VERSION)
  set_property(TARGET evreplay PROPERTY SOVERSION)
  install(DIRECTORY bridge/torch DESTINATION bridge) # built for the torch of its user: bindings/python/evreplay/bridge.py
endif()
