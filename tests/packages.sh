#!/bin/bash
# packages.sh BUILD: what `make install` puts into a folder is found and used there by pkg-config and
# CMake. packages.sh BUILD all: also FetchContent, Meson, Conan, vcpkg's port and the Debian packages,
# each in a folder of its own. Every one compiles and runs examples/packages/conan/test_package/main.c,
# which compares log N(0; 0, 1) with -½ log 2π. What is not on this machine is skipped, and said so.
# Ends with "N passed, N failed". BUILD/sgm.o, if it is there, saves a compilation.
set -u
cd "$(dirname "$0")/.." || exit 1
tree=$PWD passed=0 failed=0
mkdir -p "$1/packages"; dir=$(cd "$1/packages" && pwd)
version=$(sed -n 's/^#define SGM_VERSION "\(.*\)"/\1/p' sgm.h)
main=$tree/examples/packages/conan/test_package
export CC=${CC:-cc}
unset MAKEFLAGS MAKELEVEL MFLAGS DESTDIR PREFIX
check() { # check NAME COMMAND...
    local name=$1; shift
    if "$@" >"$dir/log" 2>&1; then passed=$((passed + 1)); echo "ok      $name"
    else failed=$((failed + 1)); echo "FAILED  $name"; tail -${LINES_SHOWN:-20} "$dir/log"
    fi
}
have() { # have COMMAND WHAT PACKAGE
    command -v "$1" >/dev/null && return
    echo "skipped $2: no $1 here (apt-get install $3)"; return 1
}
works() { "$@" >"$dir/said" && cat "$dir/said" && grep -q "^sgm $version: log N(0; 0, 1) = -0.9189" "$dir/said"; }
fresh() { rm -rf "${dir:?}/$1"; mkdir -p "$dir/$1"; }

# 1. make install
fresh out; fresh stage
mkdir -p "$dir/out/lib"
old=()
if [ -f "$1/sgm.o" ]; then # the tests' own, without -fPIC
    ar rcs "$dir/out/lib/libsgm.a" "$1/sgm.o"; old+=(-o "$dir/out/lib/libsgm.a")
fi
if [ -x "$1/bin/sgm" ]; then cp "$1/bin/sgm" "$dir/out/sgm"; old+=(-o "$dir/out/sgm"); fi
installed() {
    make -s "${old[@]}" install OUT="$dir/out" PREFIX=/opt/sgm DESTDIR="$dir/stage"
}
lists() { # what is there, and with which rights, is what the manual says, and all under PREFIX
    (cd "$dir/stage" && find . -type f -printf '%m %P\n' | LC_ALL=C sort -k2) >"$dir/is"
    {
        [ ! -f examples/sgm.c ] || echo "755 opt/sgm/bin/sgm"
        for f in include/sgm.h include/sgm.hpp lib/cmake/sgm/sgmConfig.cmake lib/cmake/sgm/sgmConfigVersion.cmake lib/libsgm.a \
            lib/pkgconfig/sgm-compiled.pc lib/pkgconfig/sgm.pc; do echo "644 opt/sgm/$f"; done
        [ ! -f examples/sgm.bash ] || echo "644 opt/sgm/share/bash-completion/completions/sgm"
        for f in CHANGELOG.md LICENSE README.md hello.c; do echo "644 opt/sgm/share/doc/sgm/$f"; done
        [ ! -f examples/sgm.1 ] || echo "644 opt/sgm/share/man/man1/sgm.1"
        echo "644 opt/sgm/share/sgm/sgm_api.json"
    } | diff - "$dir/is"
}
check "make install with PREFIX and DESTDIR" installed
check "it installs these files and no others" lists
# moved away, all but pkg-config's prefix is still right
rm -rf "${dir:?}/moved"; cp -r "$dir/stage/opt/sgm" "$dir/moved"
gone() {
    make -s "${old[@]}" uninstall OUT="$dir/out" PREFIX=/opt/sgm DESTDIR="$dir/stage" && [ -z "$(find "$dir/stage" -type f)" ] &&
        [ ! -e "$dir/stage/opt/sgm/share/doc/sgm" ]
}
check "make uninstall leaves no file" gone

# 2. pkg-config
pc() { PKG_CONFIG_PATH=$dir/moved/lib/pkgconfig pkg-config --define-variable=prefix="$dir/moved" "$@"; }
by_pc() {
    [ "$(pc --modversion sgm)" = "$version" ] && [ "$(pc --modversion sgm-compiled)" = "$version" ] &&
        $CC -std=c99 "$main/main.c" $(pc --cflags --libs sgm-compiled) -o "$dir/by_pc" && works "$dir/by_pc" &&
        $CC -std=c99 $(pc --cflags sgm) -DSGM_NO_SIMD -fsyntax-only "$dir/moved/share/doc/sgm/hello.c" && pc --libs sgm | grep -q -- -lm
}
if have pkg-config "pkg-config" pkgconf; then
    check "pkg-config: sgm and sgm-compiled" by_pc
    without() { mv "$dir/moved/lib/libsgm.a" "$dir/away"; by_pc; local is=$?; mv "$dir/away" "$dir/moved/lib/libsgm.a"; [ $is != 0 ]; }
    check "pkg-config: a library that is not there is missed" without
fi

# 3. CMake: find_package, and which versions it takes
project() { # project NAME LINES: a project of one program
    fresh "$1"; cp "$main/main.c" "$dir/$1"
    { echo 'cmake_minimum_required(VERSION 3.18)'; echo 'project(main LANGUAGES C)'; echo "$2"; echo 'add_executable(main main.c)'
      echo 'target_link_libraries(main PRIVATE sgm::compiled)'; } >"$dir/$1/CMakeLists.txt"
}
cmaked() { # cmaked NAME OPTION...
    local name=$1; shift
    cmake -S "$dir/$name" -B "$dir/$name/build" -DCMAKE_BUILD_TYPE=Release "$@" && cmake --build "$dir/$name/build" && works "$dir/$name/build/main"
}
takes() { # takes VERSION: does find_package(sgm VERSION) take this one?
    local count=$(echo "$1" | tr . '\n' | wc -l)
    printf 'set(PACKAGE_FIND_VERSION "%s")\nset(PACKAGE_FIND_VERSION_MAJOR %s)\nset(PACKAGE_FIND_VERSION_COUNT %s)\ninclude("%s")\n%s\n' "$1" "${1%%.*}" "$count" \
        "$dir/moved/lib/cmake/sgm/sgmConfigVersion.cmake" 'if(NOT PACKAGE_VERSION_COMPATIBLE)' >"$dir/takes.cmake"
    printf 'message(FATAL_ERROR "no")\nendif()\n' >>"$dir/takes.cmake"
    cmake -P "$dir/takes.cmake"
}
versions() {
    local minor=${version%.*} other
    for other in "$version" "$minor" "${version%%.*}"; do takes "$other" || { echo "refuses $other"; return 1; }; done
    for other in "$minor.99" "${minor}7" 99 "${version%%.*}.99"; do ! takes "$other" || { echo "takes $other"; return 1; }; done
    [ "${version%%.*}" != 0 ] || [ "$minor" = 0.1 ] || ! takes 0.1 || { echo "takes 0.1, whose interface is another"; return 1; }
}
if have cmake "CMake's find_package" cmake; then
    project found "find_package(sgm ${version%.*} REQUIRED)"
    check "CMake: find_package(sgm ${version%.*}), sgm::compiled" cmaked found -Dsgm_DIR="$dir/moved/lib/cmake/sgm"
    check "CMake: which versions it takes" versions
fi
[ "${2:-}" = all ] || { echo "$passed passed, $failed failed"; [ $failed = 0 ]; exit; }

# 4. CMake: FetchContent of a release, and the installation by CMake itself
packed() { # the tree as a release has it: sgm-VERSION.tar.gz
    tar -cz -C "$tree" --exclude=./out --exclude=./.git --exclude=./labs --transform "s|^\.|sgm-$version|" -f "$dir/sgm-$version.tar.gz" .
}
check "a release to build from" packed
if have cmake "CMake's FetchContent" cmake; then
    project fetched "include(FetchContent)
FetchContent_Declare(sgm URL \"$dir/sgm-$version.tar.gz\" SOURCE_SUBDIR examples/packages/cmake)
FetchContent_MakeAvailable(sgm)"
    check "CMake: FetchContent from a release" cmaked fetched
    by_cmake() {
        fresh cmake-prefix; fresh cmake-build
        cmake -S examples/packages/cmake -B "$dir/cmake-build" -DCMAKE_INSTALL_PREFIX="$dir/cmake-prefix" && cmake --build "$dir/cmake-build" &&
            cmake --install "$dir/cmake-build" && rm -rf "$dir/cmake-build" && project again "find_package(sgm ${version%.*} REQUIRED)" &&
            cmaked again -DCMAKE_PREFIX_PATH="$dir/cmake-prefix"
    }
    check "CMake: installed by CMake, and found" by_cmake
fi

# 5. Meson: a wrap that unpacks a release and lays meson.build into it
by_meson() {
    fresh mesoned; mkdir -p "$dir/mesoned/subprojects/packagefiles/sgm"
    cp "$main/main.c" "$dir/mesoned"; cp examples/packages/meson/sgm.wrap "$dir/mesoned/subprojects"
    cp "$dir/sgm-$version.tar.gz" "$dir/mesoned/subprojects/packagefiles"
    cp examples/packages/meson/meson.build "$dir/mesoned/subprojects/packagefiles/sgm"
    cat >"$dir/mesoned/meson.build" <<'END'
project('main', 'c')
executable('main', 'main.c', dependencies: dependency('sgm-compiled'))
executable('alone', 'alone.c', dependencies: dependency('sgm'), c_args: '-DSGM_NO_SIMD')
END
    { echo '#define SGM_IMPLEMENTATION'; cat "$main/main.c"; } >"$dir/mesoned/alone.c"
    (cd "$dir/mesoned" && meson setup build && meson compile -C build) && works "$dir/mesoned/build/main" && works "$dir/mesoned/build/alone"
}
if have meson "Meson" meson; then check "Meson: the wrap's two dependencies" by_meson; fi

# 6. Conan: its own folder for everything it keeps
by_conan() {
    fresh conan; export CONAN_HOME=$dir/conan
    cp -r "$main" "$dir/conan" # where it is built
    env -u CC conan profile detect --force && PYTHONDONTWRITEBYTECODE=1 conan create examples/packages/conan --build=missing --no-remote \
        --test-folder="$dir/conan/test_package" && conan list 'sgm/*' 2>/dev/null | grep -q "sgm/$version"
}
if have cmake "Conan" cmake; then
    if command -v conan >/dev/null; then check "Conan: the recipe and its test package" by_conan
    else echo "skipped Conan: no conan here (pip install conan, in an environment of its own)"
    fi
fi

# 7. vcpkg. Without it the port runs under CMake with stand-ins for the four functions that it calls
by_vcpkg() { vcpkg install sgm --overlay-ports=examples/packages/vcpkg --x-install-root="$dir/vcpkg"; }
stand_in() {
    fresh vcpkg; mkdir -p "$dir/vcpkg/packages/debug/include"
    cat >"$dir/vcpkg/run.cmake" <<END
set(CURRENT_PORT_DIR "$tree/examples/packages/vcpkg/sgm")
set(CURRENT_PACKAGES_DIR "$dir/vcpkg/packages")
set(PORT sgm)
function(done_or_stop)
  execute_process(COMMAND \${ARGN} RESULT_VARIABLE bad)
  if(bad)
    message(FATAL_ERROR "\${ARGN}")
  endif()
endfunction()
function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 o "" "SOURCE_PATH" "OPTIONS")
  done_or_stop("\${CMAKE_COMMAND}" -S "\${o_SOURCE_PATH}" -B "$dir/vcpkg/build" -DCMAKE_BUILD_TYPE=Release
    "-DCMAKE_INSTALL_PREFIX=\${CURRENT_PACKAGES_DIR}" -DCMAKE_INSTALL_LIBDIR=lib \${o_OPTIONS})
endfunction()
function(vcpkg_cmake_install)
  done_or_stop("\${CMAKE_COMMAND}" --build "$dir/vcpkg/build" --target install)
endfunction()
function(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(PARSE_ARGV 0 o "" "CONFIG_PATH;PACKAGE_NAME" "")
  if(NOT EXISTS "\${CURRENT_PACKAGES_DIR}/\${o_CONFIG_PATH}/sgmConfig.cmake")
    message(FATAL_ERROR "no \${o_CONFIG_PATH}/sgmConfig.cmake")
  endif()
endfunction()
function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 o "" "" "FILE_LIST")
  file(COPY \${o_FILE_LIST} DESTINATION "\${CURRENT_PACKAGES_DIR}/share/sgm")
endfunction()
include("\${CURRENT_PORT_DIR}/portfile.cmake")
END
    cmake -P "$dir/vcpkg/run.cmake" && [ ! -e "$dir/vcpkg/packages/debug/include" ] && [ -f "$dir/vcpkg/packages/share/sgm/LICENSE" ] &&
        [ -f "$dir/vcpkg/packages/share/sgm/usage" ] && project ported "find_package(sgm REQUIRED)" &&
        cmaked ported -DCMAKE_PREFIX_PATH="$dir/vcpkg/packages"
}
manifest() { # what vcpkg asks of a manifest: these fields, a name in lower case, dependencies with names
    perl -MJSON::PP -e 'local $/; my $m = decode_json(<>); my %known = map { $_ => 1 } qw(name version description license dependencies);
        for (keys %$m) { $known{$_} or die "field $_\n" } $m->{name} =~ /^[a-z0-9]+(-[a-z0-9]+)*$/ or die "name\n";
        $m->{version} =~ /^\d+(\.\d+)*$/ or die "version\n"; for (@{$m->{dependencies}}) { $_->{name} =~ /^[a-z0-9-]+$/ or die "dependency\n" }' \
        examples/packages/vcpkg/sgm/vcpkg.json
}
check "vcpkg: the manifest" manifest
if command -v vcpkg >/dev/null; then check "vcpkg: the overlay port" by_vcpkg
elif have cmake "vcpkg's port" cmake; then
    echo "skipped vcpkg itself: no vcpkg here"
    check "vcpkg: the port, with stand-ins for vcpkg's functions" stand_in
fi

# 8. Debian packages, unpacked into a folder of their own
by_deb() {
    make -s deb OUT="$dir/out" || return 1
    fresh root; for deb in "$dir"/out/deb/*.deb; do dpkg-deb -x "$deb" "$dir/root"; done
    local usr=$dir/root/usr arch; arch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
    $CC -std=c99 -I"$usr/include" -DSGM_LINKED "$main/main.c" "$usr/lib/$arch/libsgm.a" -fopenmp -lm -o "$dir/by_deb" && works "$dir/by_deb" &&
        [ -f "$usr/lib/$arch/pkgconfig/sgm.pc" ] && [ -f "$usr/share/man/man1/sgm.1.gz" ] && "$usr/bin/sgm" --version | grep -qF "$version"
}
by_deb_cmake() {
    project debbed "find_package(sgm REQUIRED)" && cmaked debbed -DCMAKE_PREFIX_PATH="$dir/root/usr" \
        -DCMAKE_LIBRARY_ARCHITECTURE="$(dpkg-architecture -qDEB_HOST_MULTIARCH)"
}
clean() { lintian --fail-on error,warning "$dir"/out/deb/*.changes; }
if have dpkg-buildpackage "the Debian packages" dpkg-dev && have dh "the Debian packages" debhelper; then
    check "Debian: built, unpacked, used" by_deb
    if have cmake "Debian with CMake" cmake; then check "Debian: found by CMake" by_deb_cmake; fi
    if have lintian "lintian" lintian; then check "Debian: lintian has no warning" clean; fi
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
