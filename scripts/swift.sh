# shellcheck shell=bash
# Brings a Swift toolchain to a machine without one: --install-swift. Sourced by lib.sh, never run.
#
# One archive and its signature come from swift.org. It is unpacked only when it is signed by a key whose fingerprint is in
# scripts/swift-keys, below the user's cache and nowhere else: rm -r ~/.cache/inet256vpn takes it away again.

SWIFT_RELEASE=6.3.1
# Where from. Whoever has a mirror says so; what is trusted stays the same.
SWIFT_SITE=${INET256VPN_SWIFT_SITE:-https://download.swift.org}
SWIFT_KEYS_SITE=${INET256VPN_SWIFT_KEYS_SITE:-https://www.swift.org/keys/all-keys.asc}
SWIFT_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/inet256vpn
# The compiler's own needs beside BUILD_PACKAGES, and those of fetching it.
SWIFT_PACKAGES=(gnupg curl libcurl4-openssl-dev libncurses-dev libxml2-dev zlib1g-dev tzdata 'libpython3-dev|libpython3.11')

# Prints the archive's address: Debian 12's serves later ones too.
swift_address() {
    local suffix=''
    case $(uname -m) in
        x86_64) ;;
        aarch64) suffix=-aarch64 ;;
        *) fail "swift.org has no toolchain for $(uname -m)" "Build the package on another machine: scripts/package" ;;
    esac
    printf '%s/swift-%s-release/debian12%s/swift-%s-RELEASE/swift-%s-RELEASE-debian12%s.tar.gz\n' \
        "$SWIFT_SITE" $SWIFT_RELEASE "$suffix" $SWIFT_RELEASE $SWIFT_RELEASE "$suffix"
}

# What to type where there is no Swift.
swift_advice() {
    local address=''
    address=$(swift_address 2>/dev/null) || true
    printf '%s\n' \
        "Have it brought, signature checked, below $SWIFT_CACHE:  $0 --install-swift" \
        "or by hand, to /opt/swift:" \
        "  curl -fLO $address -fLO $address.sig" \
        "  curl -fsSL $SWIFT_KEYS_SITE | gpg --import" \
        "  gpg --verify ${address##*/}.sig     # by a key of scripts/swift-keys" \
        "  sudo mkdir -p /opt/swift && sudo tar -xzf ${address##*/} --strip-components=1 -C /opt/swift" \
        "Debian's own swiftlang (trixie: apt-get install swiftlang) is 6.0, which is too old; a later Debian's will do." \
        "A Swift that is not in PATH under sudo:  sudo env PATH=\"\$PATH\" $0"
}

# fetch ADDRESS FILE: what breaks off leaves nothing that could be taken for whole.
fetch_file() {
    curl -fsSL --retry 2 --connect-timeout 20 --max-filesize 2000000000 -o "$2" "$1"
}

# signed_by_release_key FILE SIGNATURE KEYS: succeeds where a key of scripts/swift-keys signed it. A key that has run out by now is
# still the one that signed; a revoked one is nobody's.
signed_by_release_key() {
    local home=$SWIFT_WORK/gnupg status fingerprint
    mkdir "$home"
    chmod 700 "$home"
    gpg --homedir "$home" --batch --quiet --import "$3" 2>>"$SWIFT_WORK/gpg.log" || true
    status=$(gpg --homedir "$home" --batch --status-fd 1 --verify "$2" "$1" 2>>"$SWIFT_WORK/gpg.log") || return 1
    if grep -qE '^\[GNUPG:\] (BADSIG|ERRSIG|REVKEYSIG|EXPSIG) ' <<<"$status"; then return 1; fi
    # The last word is the primary key's, whichever subkey it was.
    fingerprint=$(sed -nE 's/^\[GNUPG:\] VALIDSIG .* ([0-9A-F]{40})$/\1/p' <<<"$status")
    [[ $fingerprint ]] && grep -q "^$fingerprint " "${INET256VPN_SWIFT_KEYS:-$ROOT/scripts/swift-keys}"
}

# Sets nothing; afterwards find_swift finds it.
install_swift() {
    local address place=$SWIFT_CACHE/swift-$SWIFT_RELEASE
    address=$(swift_address)
    if [[ $EUID -eq 0 ]]; then apt_need "${SWIFT_PACKAGES[@]}"; fi
    { command -v gpg && command -v curl; } >/dev/null || fail "gpg and curl are needed" "Run: sudo apt-get install gnupg curl"
    mkdir -p "$SWIFT_CACHE"
    # In the cache, so that the last step is a rename.
    SWIFT_WORK=$(mktemp -d "$SWIFT_CACHE/fetching.XXXXXX")
    on_exit "rm -rf '$SWIFT_WORK'"
    step "Fetching Swift $SWIFT_RELEASE"
    with_progress "download" "$SWIFT_WORK/log" fetch_file "$address" "$SWIFT_WORK/swift.tar.gz" \
        || fail "the toolchain did not come: $address" "Try again, or use a mirror: INET256VPN_SWIFT_SITE=https://..."
    fetch_file "$address.sig" "$SWIFT_WORK/swift.tar.gz.sig" || fail "its signature did not come: $address.sig"
    fetch_file "$SWIFT_KEYS_SITE" "$SWIFT_WORK/keys.asc" || fail "the keys did not come: $SWIFT_KEYS_SITE"
    signed_by_release_key "$SWIFT_WORK/swift.tar.gz" "$SWIFT_WORK/swift.tar.gz.sig" "$SWIFT_WORK/keys.asc" \
        || fail "the toolchain is not signed by a key of scripts/swift-keys: it was thrown away" \
            "Somebody may have changed it on the way. Try again from another network, and do not use what came."
    mkdir "$SWIFT_WORK/swift"
    with_progress "unpacking" "$SWIFT_WORK/log" \
        tar -xzf "$SWIFT_WORK/swift.tar.gz" --no-same-owner --strip-components=1 -C "$SWIFT_WORK/swift" || exit 1
    [[ -n $(swift_version "$SWIFT_WORK/swift/usr/bin/swift") ]] || fail "what came does not run here: $address"
    rm -rf "$place"
    mv "$SWIFT_WORK/swift" "$place"
    rm -rf "$SWIFT_WORK"
    say "$place"
}
