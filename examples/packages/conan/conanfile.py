"""sgm for Conan 2: the header, and its implementation in a static library.

conan create examples/packages/conan --build=missing, in sgm's own tree.
"""

import os
import re

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir


class SgmConan(ConanFile):
    name = "sgm"
    description = "Score-based generative models in one C99 header"
    license = ("MIT", "Unlicense")
    topics = ("diffusion-models", "generative-models", "density-estimation", "header-only")
    package_type = "static-library"
    settings = "os", "compiler", "build_type", "arch"
    options = {"fPIC": [True, False]}
    default_options = {"fPIC": True}
    implements = ["auto_shared_fpic"]

    def _tree(self):
        return os.path.join(self.recipe_folder, os.pardir, os.pardir, os.pardir)

    def set_version(self):
        text = load(self, os.path.join(self._tree(), "sgm.h"))
        self.version = re.search(r'^#define SGM_VERSION "(.*)"', text, re.M).group(1)

    def export_sources(self):
        for name in ("sgm.h", "LICENSE", "examples/cpp/sgm.hpp", "examples/packages/sgm.c",
                     "examples/packages/cmake/CMakeLists.txt"):
            copy(self, name, self._tree(), self.export_sources_folder)

    def configure(self):
        self.settings.rm_safe("compiler.libcxx")
        self.settings.rm_safe("compiler.cppstd")

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["SGM_OPENMP"] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure(build_script_folder="examples/packages/cmake")
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()
        rmdir(self, os.path.join(self.package_folder, "lib", "cmake"))  # Conan writes its own

    def package_info(self):
        header = self.cpp_info.components["sgm"]
        header.set_property("cmake_target_name", "sgm::sgm")
        header.set_property("pkg_config_name", "sgm")
        if self.settings.os in ("Linux", "FreeBSD"):
            header.system_libs = ["m"]
        compiled = self.cpp_info.components["compiled"]
        compiled.set_property("cmake_target_name", "sgm::compiled")
        compiled.set_property("pkg_config_name", "sgm-compiled")
        compiled.requires = ["sgm"]
        compiled.libs = ["sgm"]
        compiled.defines = ["SGM_LINKED"]
