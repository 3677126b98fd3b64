# An overlay port: it builds the tree in which it lies, whole, at examples/packages/vcpkg/sgm.
#     vcpkg install sgm --overlay-ports=examples/packages/vcpkg
get_filename_component(SOURCE_PATH "${CURRENT_PORT_DIR}/../../../.." ABSOLUTE)
if(NOT EXISTS "${SOURCE_PATH}/sgm.h")
    message(FATAL_ERROR "no sgm.h in ${SOURCE_PATH}: give --overlay-ports the folder in sgm's own tree")
endif()

vcpkg_cmake_configure(SOURCE_PATH "${SOURCE_PATH}/examples/packages/cmake" OPTIONS -DSGM_OPENMP=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/sgm)
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include")
file(INSTALL "${CURRENT_PORT_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
