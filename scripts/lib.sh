# shellcheck shell=bash disable=SC2034 # what is set here is used by those who source it
# Shared by the scripts in this folder: output, cleaning up, packages, the Swift toolchain. Sourced, never run.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
readonly ROOT
SWIFT_OLDEST=6.1

# What the build links against and what the Swift toolchain calls. "a|b": either will do, the first is installed.
BUILD_PACKAGES=(
    git ca-certificates pkg-config binutils libc6-dev 'libstdc++-12-dev|libstdc++-14-dev|g++'
    libsodium-dev libssl-dev libmnl-dev libnftnl-dev
)
# What the program loads where it is not built: the libraries alone.
RUN_PACKAGES=(libsodium23 'libssl3|libssl3t64' libmnl0 libnftnl11 libstdc++6)
# Namespaces, links and pings: the demo, the kernel tests and the benchmark.
NETWORK_PACKAGES=(iproute2 iputils-ping util-linux)
# What the tests call besides: socat and python3 carry streams and odd packets, nft and ethtool shape traffic, tcpdump looks at it,
# systemd-analyze judges the unit, dig asks about names, gnupg and curl fetch a stand-in toolchain.
TEST_PACKAGES=(socat python3 nftables ethtool tcpdump systemd bind9-dnsutils gnupg curl)
# The library that speaks UPnP, in the one version that the program takes, which is Debian 12's.
if grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release; then TEST_PACKAGES+=(libminiupnpc17); fi

# ---- output ----------------------------------------------------------------------------------------------------

if [[ -t 1 && ${TERM:-dumb} != dumb && -z ${NO_COLOR:-} ]]; then
    BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' GREEN=$'\e[32m' YELLOW=$'\e[33m' PLAIN=$'\e[0m' WIPE=$'\r\e[K'
else
    BOLD='' DIM='' RED='' GREEN='' YELLOW='' PLAIN='' WIPE=''
fi

step() { printf '%s==>%s %s%s%s\n' "$GREEN" "$PLAIN" "$BOLD" "$*" "$PLAIN"; }
say() { printf '    %s\n' "$*"; }
warn() { printf '%swarning:%s %s\n' "$YELLOW" "$PLAIN" "$*" >&2; }
complain() { printf '%serror:%s %s\n' "$RED" "$PLAIN" "$*" >&2; }

# fail MESSAGE [WHAT TO DO NEXT]...
fail() {
    complain "$1"
    shift
    local line
    for line in "$@"; do printf '       %s\n' "$line" >&2; done
    exit 1
}

# show AS-TYPED COMMAND...: runs the command under the line that a user would type, its output indented. Keeps its code.
show() {
    printf '    %s%s%s\n' "$DIM" "$1" "$PLAIN"
    shift
    local code=0
    "$@" 2>&1 | sed 's/^/    /' || code=${PIPESTATUS[0]}
    return "$code"
}

need_root() {
    [[ $EUID -eq 0 ]] || fail "$1 needs root" "Run: sudo $0${2:+ $2}"
}

# ---- cleaning up -----------------------------------------------------------------------------------------------

# Commands to run on the way out, the latest first, however the script ends.
CLEANUP=()
# The command that `with_progress` is waiting for, leader of a process group of its own; empty when there is none.
RUNNING=''

on_exit() { CLEANUP+=("$1"); }

leave() {
    local code=$? i
    trap - EXIT
    # A second Ctrl-C must not stop the cleaning halfway.
    trap '' INT TERM HUP
    set +e
    printf '%s' "$WIPE"
    case $code in 129 | 130 | 143) complain "interrupted: cleaning up" ;; esac
    if [[ -n $RUNNING ]]; then kill -TERM -- "-$RUNNING" 2>/dev/null; fi
    for ((i = ${#CLEANUP[@]} - 1; i >= 0; i--)); do eval "${CLEANUP[i]}"; done
    exit "$code"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# with_progress LABEL LOG COMMAND...: runs the command with its output in LOG. A terminal sees the last line of it
# move, a log file a line now and then. On failure the tail of LOG is shown. The command waits in the background, so
# that a signal to the script is heard at once.
with_progress() {
    local label=$1 log=$2 began=$SECONDS said=$SECONDS last code=0
    shift 2
    set -m
    "$@" >"$log" 2>&1 </dev/null &
    RUNNING=$!
    set +m
    while kill -0 "$RUNNING" 2>/dev/null; do
        if [[ -n $WIPE ]]; then
            last=$(tail -c 2000 "$log" | tr '\r' '\n' | sed 's/\x1b\[[0-9;]*[A-Za-z]//g' | grep . | tail -n 1 || true)
            printf '%s    %s%s, %ss: %.90s%s' "$WIPE" "$DIM" "$label" $((SECONDS - began)) "$last" "$PLAIN"
        elif ((SECONDS - said >= 15)); then
            said=$SECONDS
            say "$label: $((SECONDS - began)) s so far"
        fi
        sleep 0.2
    done
    wait "$RUNNING" || code=$?
    RUNNING=''
    printf '%s' "$WIPE"
    if ((code == 0)); then
        say "$label: done in $((SECONDS - began)) s"
    else
        tail -n 40 "$log" | sed 's/^/    | /' >&2
        complain "$label failed with code $code; all of its output: $log"
    fi
    return "$code"
}

# wait_until SECONDS COMMAND...: repeats the command (silenced) until it succeeds or time is up.
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || return 1
        sleep 0.2
    done
}

# ---- packages --------------------------------------------------------------------------------------------------

package_installed() {
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# apt_need PACKAGE...: installs what is missing and nothing else. Without root, or without apt, says what is missing.
apt_need() {
    local wanted choice choices missing=() log
    if ! command -v dpkg-query >/dev/null; then
        warn "this is not Debian: see to it that the likes of these are installed: $*"
        return 0
    fi
    for wanted in "$@"; do
        IFS='|' read -ra choices <<<"$wanted"
        for choice in "${choices[@]}"; do
            if package_installed "$choice"; then continue 2; fi
        done
        missing+=("${choices[0]}")
    done
    ((${#missing[@]})) || return 0
    [[ $EUID -eq 0 ]] || fail "packages are missing: ${missing[*]}" "Run: sudo apt-get install ${missing[*]}"
    log=$(mktemp /tmp/inet256vpn-apt.XXXXXX)
    step "Installing ${missing[*]}"
    if [[ -z ${APT_UPDATED:-} ]]; then
        with_progress "apt-get update" "$log" apt-get -o DPkg::Lock::Timeout=120 update \
            || fail "the package lists cannot be fetched" "Is the network up? Are the lines in /etc/apt right?"
        APT_UPDATED=yes
    fi
    with_progress "apt-get install" "$log" env DEBIAN_FRONTEND=noninteractive \
        apt-get -o DPkg::Lock::Timeout=120 -y --no-install-recommends install "${missing[@]}" \
        || fail "apt could not install ${missing[*]}" "Install them by hand and start this again."
    rm -f "$log"
}

# Debian starts a server as soon as it is installed. The demo and the tests bring their own sshd, in a namespace alone: one
# that comes onto this machine for their sake stays off.
install_sshd() {
    local policy=/usr/sbin/policy-rc.d
    if package_installed openssh-server || [[ -e $policy ]]; then
        apt_need openssh-client openssh-server
        return
    fi
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    on_exit "rm -f $policy"
    apt_need openssh-client openssh-server
    rm -f "$policy"
    if [[ -d /run/systemd/system ]]; then systemctl --quiet disable ssh.service ssh.socket 2>/dev/null || true; fi
    say "openssh-server was not installed before: its service is left disabled"
}

# ---- the Swift toolchain ---------------------------------------------------------------------------------------

. "$ROOT/scripts/swift.sh"

# at_least VERSION OLDEST, both MAJOR.MINOR
at_least() {
    (( ${1%%.*} > ${2%%.*} || (${1%%.*} == ${2%%.*} && ${1#*.} >= ${2#*.}) ))
}

# Prints MAJOR.MINOR of a Swift compiler, nothing for another program of that name (OpenStack has one).
swift_version() {
    "$1" --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -n 1
}

SWIFT_PLACES=(/opt/swift/usr/bin/swift /usr/local/swift/usr/bin/swift /usr/share/swift/usr/bin/swift)
# Sets SWIFT. sudo resets PATH, so the places where toolchains usually live are searched too.
find_swift() {
    local candidate home version old='' candidates=()
    if candidate=$(command -v swift); then candidates+=("$candidate"); fi
    candidates+=("${SWIFT_PLACES[@]}")
    for home in "$(getent passwd "${SUDO_USER:-}" | cut -d: -f6)" "$HOME"; do
        [[ -n $home ]] && candidates+=("$home/.local/share/swiftly/bin/swift" "$home"/.cache/inet256vpn/swift-*/usr/bin/swift)
    done
    candidates+=("$SWIFT_CACHE"/swift-*/usr/bin/swift)
    for candidate in "${candidates[@]}"; do
        [[ -x $candidate ]] || continue
        if [[ $candidate == */swiftly/bin/swift ]]; then
            # swiftly's front end looks for its settings in the caller's home, which under sudo is root's.
            export SWIFTLY_HOME_DIR=${candidate%/bin/swift} SWIFTLY_BIN_DIR=${candidate%/swift}
        fi
        # One that does not start, for want of a library, ends the pipe with a code.
        version=$(swift_version "$candidate") || version=''
        [[ -n $version ]] || continue
        if at_least "$version" "$SWIFT_OLDEST"; then
            SWIFT=$candidate
            PATH=$(dirname "$candidate"):$PATH
            return 0
        fi
        old="$candidate is Swift $version"
    done
    if [[ ${INSTALL_SWIFT:-no} == yes ]]; then
        INSTALL_SWIFT=tried
        install_swift
        find_swift
        return
    fi
    local advice
    mapfile -t advice < <(swift_advice)
    fail "no Swift toolchain, $SWIFT_OLDEST or newer, was found${old:+ ($old)}" "${advice[@]}"
}

# Runs swift for this package. Root may build in a checkout that somebody else owns: git is told that this is meant,
# and `give_back` returns what was made.
swift_here() {
    GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*' "$SWIFT" "$@"
}

give_back() {
    [[ $EUID -eq 0 && $(stat -c %u "$ROOT") -ne 0 ]] || return 0
    local made
    for made in "$ROOT/.build" "$ROOT/.build-check" "$ROOT/Package.resolved"; do
        [[ -e $made ]] && chown -R --reference="$ROOT" "$made"
    done
    return 0
}

# Sets BINARY to a release binary that needs no Swift installation to run. A finished build is reused by SwiftPM; what
# INET256VPN_BINARY names is taken as it is.
build_release() {
    if [[ -n ${INET256VPN_BINARY:-} ]]; then
        BINARY=$INET256VPN_BINARY
        [[ -x $BINARY ]] || fail "INET256VPN_BINARY is $BINARY, which cannot be run"
        return
    fi
    # The installed program looks for its libraries where the system has them, not beside itself: --disable-local-rpath.
    local flags=(-c release --static-swift-stdlib --disable-local-rpath --product inet256vpn --package-path "$ROOT")
    # Two builds of one commit are the same bytes wherever the checkout is: no path of it may stay in the program.
    local known=/usr/src/inet256vpn
    flags+=(-Xswiftc -file-prefix-map -Xswiftc "$ROOT=$known" -Xcc "-ffile-prefix-map=$ROOT=$known" -Xlinker --build-id=sha1)
    # Nor the name of a cache of modules, which debug information would have.
    flags+=(-Xswiftc -Xfrontend -Xswiftc -no-clang-module-breadcrumbs)
    local log=$ROOT/.build/release.log
    mkdir -p "$ROOT/.build"
    on_exit give_back
    step "Building the release binary ($(swift_version "$SWIFT"))"
    with_progress "swift build" "$log" swift_here build "${flags[@]}" || exit 1
    BINARY=$(swift_here build "${flags[@]}" --show-bin-path 2>>"$log")/inet256vpn
    [[ -x $BINARY ]] || fail "the build ended well but $BINARY is missing"
}

# ---- what is installed ------------------------------------------------------------------------------------------

# What README.md leads to, by the same relative paths.
documents() {
    (cd "$ROOT" && find README.md ARCHITECTURE.md CHANGELOG.md LICENSE docs examples deploy/grafana deploy/prometheus -type f ! -path '*/__pycache__/*' | sort)
}
