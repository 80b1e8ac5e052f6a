# npurt_plugin(NAME source… [LINK library…])
#
# Builds libnpurt_NAME.so: hidden symbols, nothing undefined at link, only npurt/plugin.hpp on the include path. In npurt's own
# tree it goes to lib/npurt of the build folder and of the install prefix.
set(NPURT_PLUGIN_SYMBOLS ${CMAKE_CURRENT_LIST_DIR}/npurt_plugin.map)

function(npurt_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINK")
  add_library(npurt_${name} MODULE ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(npurt_${name} PRIVATE npurt::plugin_api ${arg_LINK})
  target_compile_features(npurt_${name} PRIVATE cxx_std_20)
  set_target_properties(npurt_${name} PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON CXX_EXTENSIONS OFF)
  target_link_options(npurt_${name} PRIVATE -Wl,--version-script=${NPURT_PLUGIN_SYMBOLS})
  set_target_properties(npurt_${name} PROPERTIES LINK_DEPENDS ${NPURT_PLUGIN_SYMBOLS})
  if(NOT NPURT_SANITIZE)
    target_link_options(npurt_${name} PRIVATE -Wl,-z,defs)
  endif()
  if(NPURT_PLUGIN_DIR)
    set_target_properties(npurt_${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${NPURT_PLUGIN_DIR})
    install(TARGETS npurt_${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/npurt)
  endif()
endfunction()
