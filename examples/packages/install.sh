#!/bin/sh
# install.sh install|uninstall: what `make install` puts under PREFIX, or takes away from there. The
# Makefile sets PREFIX, LIBDIR and the other directories (from PREFIX on), DESTDIR, OUT and VERSION.
# The command, its man page and its completion are installed where they are there.
set -eu
action=$1
put() { # put MODE FROM TO
    if [ "$action" = uninstall ]; then
        rm -f "$DESTDIR$PREFIX/$3"
        return
    fi
    [ -e "$2" ] || { echo "install: no $2" >&2; exit 1; }
    mkdir -p "$(dirname "$DESTDIR$PREFIX/$3")"
    cp "$2" "$DESTDIR$PREFIX/$3" && chmod "$1" "$DESTDIR$PREFIX/$3"
}
made() { # made NAME: standard input as a file that is put afterwards
    mkdir -p "$OUT/install"; cat >"$OUT/install/$1"
}
command=$OUT/sgm
library=$OUT/lib/libsgm.a
include() { printf '%s' "\${prefix}/$INCLUDEDIR"; }

# what the library asks of OpenMP, either runtime has: the one that the compiler finds
runtime=
if [ "$action" = install ] && nm -u "$library" | grep -q '[ _]omp_get_max_threads'; then
    mkdir -p "$OUT/install"
    echo 'int main(void) { return 0; }' >"$OUT/install/main.c"
    if $CC "$OUT/install/main.c" -lgomp -o "$OUT/install/main" 2>/dev/null; then runtime='-lgomp -pthread'
    else runtime='-lomp -pthread'
    fi
fi

made sgm.pc <<END
prefix=$PREFIX

Name: sgm
Description: Score-based generative models in one C99 header
Version: $VERSION
Cflags: -I$(include)
Libs: -lm
END
made sgm-compiled.pc <<END
prefix=$PREFIX

Name: sgm-compiled
Description: sgm.h, its implementation compiled once
Version: $VERSION
Cflags: -I$(include) -DSGM_LINKED
Libs: -L\${prefix}/$LIBDIR -lsgm ${runtime:+$runtime }-lm
END
# The tree may be moved: everything is found from where this file lies.
made sgmConfig.cmake <<END
# sgm::sgm is the header alone: one file of yours defines SGM_IMPLEMENTATION. sgm::compiled is the
# header with its implementation in a static library.
set(sgm_top "\${CMAKE_CURRENT_LIST_DIR}")
while(NOT EXISTS "\${sgm_top}/$INCLUDEDIR/sgm.h")
  get_filename_component(sgm_up "\${sgm_top}" DIRECTORY)
  if(sgm_up STREQUAL sgm_top)
    set(sgm_FOUND FALSE)
    set(sgm_NOT_FOUND_MESSAGE "no $INCLUDEDIR/sgm.h above \${CMAKE_CURRENT_LIST_DIR}: install sgm again")
    return()
  endif()
  set(sgm_top "\${sgm_up}")
endwhile()
if(NOT TARGET sgm::sgm)
  add_library(sgm::sgm INTERFACE IMPORTED)
  set_target_properties(sgm::sgm PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "\${sgm_top}/$INCLUDEDIR" INTERFACE_LINK_LIBRARIES m)
  add_library(sgm::compiled STATIC IMPORTED)
  set_target_properties(sgm::compiled PROPERTIES
    IMPORTED_LOCATION "\${sgm_top}/$LIBDIR/libsgm.a" INTERFACE_COMPILE_DEFINITIONS SGM_LINKED
    INTERFACE_LINK_LIBRARIES "sgm::sgm$(echo "${runtime:+ $runtime}" | tr ' ' ';')")
endif()
unset(sgm_top)
END
# below 1.0 a second number may change the interface, a third may not
made sgmConfigVersion.cmake <<END
set(PACKAGE_VERSION "$VERSION")
if(PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
elseif(PACKAGE_FIND_VERSION MATCHES "^${VERSION%%.*}(\\\\.|\$)" AND
    (NOT PACKAGE_FIND_VERSION_MAJOR EQUAL 0 OR PACKAGE_FIND_VERSION_COUNT LESS 2 OR
     PACKAGE_FIND_VERSION MATCHES "^$(echo "${VERSION%.*}" | sed 's/\./\\\\./')(\\\\.|\$)"))
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
else()
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
endif()
if(PACKAGE_FIND_VERSION STREQUAL PACKAGE_VERSION)
  set(PACKAGE_VERSION_EXACT TRUE)
endif()
END

put 644 sgm.h "$INCLUDEDIR/sgm.h"
put 644 examples/cpp/sgm.hpp "$INCLUDEDIR/sgm.hpp"
put 644 "$library" "$LIBDIR/libsgm.a"
for name in sgm sgm-compiled; do put 644 "$OUT/install/$name.pc" "$LIBDIR/pkgconfig/$name.pc"; done
for name in sgmConfig sgmConfigVersion; do put 644 "$OUT/install/$name.cmake" "$LIBDIR/cmake/sgm/$name.cmake"; done
for name in README.md CHANGELOG.md LICENSE examples/hello.c; do
    put 644 "$name" "$DOCDIR/$(basename "$name")"
done
put 644 "$OUT/sgm_api.json" "$DATADIR/sgm/sgm_api.json"
if [ -f examples/sgm.c ]; then
    put 755 "$command" "$BINDIR/sgm"
    [ ! -f examples/sgm.1 ] || put 644 examples/sgm.1 "$MANDIR/man1/sgm.1"
    [ ! -f examples/sgm.bash ] || put 644 examples/sgm.bash "$DATADIR/bash-completion/completions/sgm"
fi
if [ "$action" = uninstall ]; then # the folders that are its own
    for folder in "$LIBDIR/cmake/sgm" "$DOCDIR" "$DATADIR/sgm"; do rmdir "$DESTDIR$PREFIX/$folder" 2>/dev/null || :; done
else
    echo "installed sgm $VERSION under $DESTDIR$PREFIX"
fi
