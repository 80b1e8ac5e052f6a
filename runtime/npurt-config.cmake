include(${CMAKE_CURRENT_LIST_DIR}/npurt-targets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/npurt_plugin.cmake)
