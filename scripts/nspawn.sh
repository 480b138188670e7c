# shellcheck shell=bash
# Whole machines for the scripts in this folder: roots of Debian, booted with systemd inside, on a wire of their own. Sourced after lib.sh,
# never run. Nothing of this machine's own network is used.
#
# `machine_wire WORK` comes first; on the way out everything is taken away again.

MACHINE_TAG=i256pack
declare -A MACHINE_LEADER MACHINE_SPAWN

# machine_root SUITE FOLDER: a fresh root with systemd, made once. What DEB depends on is fetched into its cache, so that it can be
# installed where there is no network.
machine_root() {
    local suite=$1 root=$2 log=$2.log
    [[ ! -e $root.made ]] || return 0
    mkdir -p "${root%/*}"
    rm -rf "$root"
    with_progress "debootstrap $suite" "$log" debootstrap --variant=minbase \
        --include=systemd,systemd-sysv,dbus,iproute2,iputils-ping,procps,ca-certificates,kmod "$suite" "$root" \
        "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" || exit 1
    touch "$root.made"
}

# machine_fetch ROOT DEB: into apt's cache there
machine_fetch() {
    local name=/var/cache/${2##*/}
    cp "$2" "$1$name"
    with_progress "fetching what it depends on" "$1.log" env DEBIAN_FRONTEND=noninteractive chroot "$1" \
        apt-get -y --download-only -o APT::Keep-Downloaded-Packages=true install "$name" || exit 1
    rm -f "$1$name"
}

machine_wire() {
    MACHINE_WORK=$1
    ip netns add "$MACHINE_TAG"
    on_exit "ip netns delete $MACHINE_TAG"
    ip -n "$MACHINE_TAG" link add wire type bridge
    ip -n "$MACHINE_TAG" link set wire up
}

# machine_boot NAME ROOT NUMBER: 10.58.0.NUMBER on the wire. The root itself is not written to.
machine_boot() {
    local name=$1 place=$MACHINE_WORK/$1 spawn
    mkdir -p "$place"
    mount -t tmpfs none "$place"
    on_exit "umount -l '$place'"
    mkdir "$place/upper" "$place/work" "$place/root"
    mount -t overlay -o "lowerdir=$2,upperdir=$place/upper,workdir=$place/work" overlay "$place/root"
    on_exit "umount -l '$place/root'"
    # As Debian's udev makes it, which does not run there.
    mknod -m 666 "$place/tun" c 10 200
    ip -n "$MACHINE_TAG" link add "wire-$name" type veth peer name "i256$name"
    ip -n "$MACHINE_TAG" link set "wire-$name" master wire up
    # ip-netns(8) would mount a /sys without the control groups.
    nsenter --net="/run/netns/$MACHINE_TAG" systemd-nspawn --quiet --register=no --keep-unit --directory="$place/root" --machine="$name" \
        --private-network --capability=CAP_NET_ADMIN --bind="$place/tun:/dev/net/tun" --boot \
        </dev/null >"$place/console" 2>&1 &
    spawn=$!
    MACHINE_SPAWN[$name]=$spawn
    on_exit "machine_stop $name"
    wait_until 20 pgrep -P "$spawn" || fail "$name did not start:" "$(tail -n 5 "$place/console")"
    MACHINE_LEADER[$name]=$(pgrep -P "$spawn" | head -n 1)
    wait_until 60 grep -q 'Reached target.*Multi-User' "$place/console" || fail "$name did not boot:" "$(tail -n 5 "$place/console")"
    # Handed over afterwards: systemd-nspawn looks for it in this machine's /sys, where it is not.
    ip -n "$MACHINE_TAG" link set "i256$name" netns "${MACHINE_LEADER[$name]}" name wire0
    machine "$name" ip link set wire0 up
    machine "$name" ip address add "10.58.0.$3/24" dev wire0
}

# machine NAME COMMAND...: run there as root
machine() {
    nsenter --target "${MACHINE_LEADER[$1]}" --mount --uts --ipc --net --pid --cgroup \
        env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive "${@:2}"
}

# machine_put NAME FILE TARGET
machine_put() { machine "$1" tee "$3" <"$2" >/dev/null; }

machine_stop() {
    local spawn=${MACHINE_SPAWN[$1]:-}
    [[ $spawn ]] || return 0
    # systemd's word for an orderly end.
    kill -s RTMIN+4 "${MACHINE_LEADER[$1]:-$spawn}" 2>/dev/null || true
    wait_until 15 machine_is_off "$spawn" || kill -KILL "$spawn" 2>/dev/null || true
    unset "MACHINE_SPAWN[$1]"
}
machine_is_off() { ! kill -0 "$1" 2>/dev/null; }
