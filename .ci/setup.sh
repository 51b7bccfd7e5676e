# Sourced by Tests/run, Benchmarks/run and .ci/run: makes a Debian machine ready. Installs only what is missing.
# shellcheck shell=bash

readonly REQUIRED_SWIFT=6.3

say() { printf '%s\n' "$*"; }
die() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit "${2:-1}"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "'$*' needs root or sudo" 2
    fi
}

# need PACKAGE PROBE...: notes PACKAGE as missing unless every probe (a command, or an absolute path) is there.
missing_packages=()
need() {
    local package=$1 probe
    shift
    for probe in "$@"; do
        case $probe in
            /*) compgen -G "$probe" >/dev/null && continue ;;
            *) command -v "$probe" >/dev/null && continue ;;
        esac
        missing_packages+=("$package")
        return
    done
}

# Installs what `need` noted; returns 1 when it could not.
install_missing() {
    [ ${#missing_packages[@]} -gt 0 ] || return 0
    local wanted=("${missing_packages[@]}")
    missing_packages=()
    command -v apt-get >/dev/null || die "missing: ${wanted[*]} (no apt-get here to install them with)" 2
    say "installing ${wanted[*]}"
    as_root apt-get update -qq || say "apt-get update failed; trying with the lists at hand"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
}

# Puts a toolchain that is new enough on PATH, or leaves with status 2.
find_swift() {
    local directory version
    command -v swift >/dev/null || for directory in /opt/swift/usr/bin /usr/local/swift/usr/bin; do
        if [ -x "$directory/swift" ]; then
            PATH=$directory:$PATH
            break
        fi
    done
    command -v swift >/dev/null || die "no Swift found on PATH or in /opt/swift: Swift $REQUIRED_SWIFT or newer is needed" 2
    swift_version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' | head -n 1)
    version=$(printf '%s\n%s\n' "$REQUIRED_SWIFT" "${swift_version:-0}" | sort -V | head -n 1)
    [ "$version" = "$REQUIRED_SWIFT" ] \
        || die "Swift ${swift_version:-of unknown version} is too old: Swift $REQUIRED_SWIFT or newer is needed" 2
}

# What every build of the library needs.
prepare_build() {
    need ca-certificates /etc/ssl/certs/ca-certificates.crt
    need git git
    need pkg-config pkg-config
    need liblz4-dev /usr/include/lz4.h
    need libc6-dev /usr/include/stdio.h
    need libstdc++-12-dev '/usr/include/c++/*/vector'
    need libgcc-12-dev '/usr/lib/gcc/*/*/crtbegin.o'
    need binutils ld
    # What the toolchain itself is linked with.
    need libcurl4 '/usr/lib/*/libcurl.so.4'
    need libxml2 '/usr/lib/*/libxml2.so.2'
    need libsqlite3-0 '/usr/lib/*/libsqlite3.so.0'
    need libncurses6 '/usr/lib/*/libncurses.so.6'
    need tzdata /usr/share/zoneinfo/UTC
    install_missing || die "could not install what the build needs" 2
    find_swift
}

print_environment() {
    say "commit:  $(git -C "$1" -c safe.directory='*' describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)"
    say "swift:   $swift_version ($(command -v swift))"
    say "lz4:     $(pkg-config --modversion liblz4 2>/dev/null || echo unknown)"
    say "system:  $(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release 2>/dev/null), kernel $(uname -r), $(uname -m)"
    say "cpu:     $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1), $(getconf _NPROCESSORS_ONLN) cores"
    say "memory:  $(sed -n 's/^MemTotal: *//p' /proc/meminfo 2>/dev/null)"
    say "disk:    $(df -hPT "$1" | awk 'NR == 2 { print $1 " (" $2 "), " $5 " free" }')"
    say "load:    $(cut -d' ' -f1-3 /proc/loadavg 2>/dev/null)"
}
