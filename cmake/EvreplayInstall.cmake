# What `cmake --install` puts where: headers, libraries, plug-ins, the command, evreplay.pc and the CMake package.
install(DIRECTORY include/evreplay DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS evreplay EXPORT evreplay LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS evreplay_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(EXPORT evreplay NAMESPACE evreplay:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/evreplay FILE evreplay-targets.cmake)

configure_package_config_file(cmake/evreplay-config.cmake.in ${PROJECT_BINARY_DIR}/evreplay-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/evreplay)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/evreplay-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/evreplay-config.cmake ${PROJECT_BINARY_DIR}/evreplay-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/evreplay)

configure_file(pkgconfig/evreplay.pc.in ${PROJECT_BINARY_DIR}/evreplay.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/evreplay.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
