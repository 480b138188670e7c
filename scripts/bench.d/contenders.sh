# shellcheck shell=bash disable=SC2034,SC2154 # read and set by the other files of scripts/bench
# What is compared. `up_NAME LAST` starts the contender in box0 to box LAST, each box a peer of its neighbours only, adds to
# DAEMONS in the order of the boxes and sets TARGET: the address of box LAST. Keys are made once and used again.
# Sourced by scripts/bench.

# The contenders that can be relayed through boxes; the others connect two ends.
readonly CHAINED=' raw inet256vpn yggdrasil '
readonly ALL_CONTENDERS=(raw inet256vpn inet256vpn-chacha inet256vpn-realtime floor yggdrasil wireguard-go nebula tinc)
# The Debian packages that each needs.
declare -A CONTENDER_PACKAGES=(
    [raw]='' [inet256vpn]='' [inet256vpn-chacha]='' [inet256vpn-realtime]='' [floor]='gcc libc6-dev libipsec-mb-dev' [yggdrasil]=yggdrasil
    [wireguard-go]='wireguard-go socat openssl' [nebula]=nebula [tinc]=tinc
)
declare -A CONTENDER_PROGRAM=([yggdrasil]=yggdrasil [wireguard-go]=wireguard-go [nebula]=nebula [tinc]=tincd)

# `raw` has nobody to start; a chain longer than one wire is forwarded by the kernel.
up_raw() {
    TARGET=$(at_left "$1")
    if (($1 > 1)); then chain_routes add "$1"; fi
}
down_raw() { if (($1 > 1)); then chain_routes del "$1"; fi; }

# ---- this program ----------------------------------------------------------------------------------------------

up_inet256vpn() { chain_inet256vpn "$1" '{}'; }
up_inet256vpn-chacha() { chain_inet256vpn "$1" '{ciphers: [chacha20-poly1305]}'; }
up_inet256vpn-realtime() { chain_inet256vpn "$1" '{}' realtime; }

# own_identity BOX: a folder $WORK/BOX with a key; its address and IPv6 address go to ADDRESS and IP6.
declare -A ADDRESS=() IP6=()
own_identity() {
    [[ -z ${ADDRESS[$1]:-} ]] || return 0
    mkdir -p "$WORK/$1"
    (umask 077 && "$BINARY" keygen >"$WORK/$1/key" 2>"$WORK/$1/log") || return 1
    ADDRESS[$1]=$("$BINARY" addr --private-key "$WORK/$1/key") || return 1
    IP6[$1]=$("$BINARY" ip6-addr --private-key "$WORK/$1/key") || return 1
}

# own_start BOX CRYPTO PEERS [SCHEDULING]: writes the configuration, PEERS being lines of YAML, and starts a daemon. Sets STARTED.
own_start() {
    cat >"$WORK/$1/config.yaml" <<END
private_key_path: ./key
api_endpoint: "unix://$WORK/$1/api.sock"
transports: [{udp: "[::]:25632"}]
crypto: $2
scheduling: ${4:-normal}
portal: {interface: inet256}
firewall: {rules: [{allow: any}]}
peers:
$3
END
    net_start "$1" "$WORK/$1/log" "$BINARY" up --config "$WORK/$1/config.yaml"
}

# own_peer BOX [ENDPOINT]: a line of YAML.
own_peer() { printf '  - {id: "%s", name: %s, addrs: [%s]}\n' "${ADDRESS[$1]}" "$1" "${2:+\"udp://$2:25632\"}"; }

chain_inet256vpn() {
    local i last=$1 peers
    for ((i = 0; i <= last; i++)); do own_identity "box$i" || return 1; done
    for ((i = 0; i <= last; i++)); do
        peers=''
        if ((i > 0)); then peers+=$(own_peer "box$((i - 1))" "$(at_right $((i - 1)))")$'\n'; fi
        if ((i < last)); then peers+=$(own_peer "box$((i + 1))" "$(at_left $((i + 1)))")$'\n'; fi
        own_start "box$i" "$2" "$peers" "${3:-normal}"
        DAEMONS+=("$STARTED")
    done
    TARGET=${IP6[box$last]}
}

up_floor() {
    local i
    for i in 0 1; do
        net_start "box$i" "$WORK/floor$i.log" "$WORK/floor" floor 4790 "$(end_at $((1 - i)))"
        DAEMONS+=("$STARTED")
        wait_until 5 in_box "box$i" ip link show floor || return 1
        in_box "box$i" ip address add "fd56:8::$((i + 1))/64" dev floor nodad
        # As large as inet256vpn's on such a wire.
        in_box "box$i" ip link set floor mtu 1439 up
    done
    TARGET=fd56:8::2
}

# ---- the others ------------------------------------------------------------------------------------------------

up_yggdrasil() {
    local i last=$1 peer
    for ((i = 0; i <= last; i++)); do
        [[ -e $WORK/ygg$i.key ]] || yggdrasil -genconf -json >"$WORK/ygg$i.key"
        peer=$( ((i == 0)) || at_right $((i - 1)))
        jq --arg peer "$peer" '
            .Peers = (if $peer == "" then [] else ["tcp://\($peer):9001"] end) | .Listen = ["tcp://0.0.0.0:9001"] |
            .MulticastInterfaces = [] | .AdminListen = "none" | .IfName = "ygg"' "$WORK/ygg$i.key" >"$WORK/ygg$i"
        net_start "box$i" "$WORK/ygg$i.log" yggdrasil -useconffile "$WORK/ygg$i"
        DAEMONS+=("$STARTED")
        # A box calls the one before it once, and then not for a long time.
        if ((i < last)); then wait_until 10 listens "box$i" 9001 || return 1; fi
    done
    TARGET=$(yggdrasil -useconffile "$WORK/ygg$last" -address)
}

# A new X25519 key pair in FILE (PKCS#8, DER), and its halves in the hexadecimal that WireGuard's control socket takes.
x25519_make() { openssl genpkey -algorithm X25519 -outform DER -out "$1"; }
x25519_private() { tail -c 32 "$1" | od -An -v -tx1 | tr -d ' \n'; }
x25519_public() { openssl pkey -inform DER -in "$1" -pubout -outform DER | tail -c 32 | od -An -v -tx1 | tr -d ' \n'; }

# The wire's address of box 0 or 1, for contenders that join two ends.
end_at() { if (($1)); then at_left 1; else at_right 0; fi; }

up_wireguard-go() {
    local i link answer
    for i in 0 1; do
        [[ -e $WORK/wg$i ]] || x25519_make "$WORK/wg$i"
    done
    for i in 0 1; do
        # The control sockets of all namespaces lie in one folder under the interface's name.
        link=i256w$i$$
        link=${link:0:15}
        net_start "box$i" "$WORK/wg$i.log" env LOG_LEVEL=error WG_PROCESS_FOREGROUND=1 wireguard-go -f "$link"
        DAEMONS+=("$STARTED")
        wait_until 10 test -S "/var/run/wireguard/$link.sock" || return 1
        answer=$(printf 'set=1\nprivate_key=%s\nlisten_port=51820\nreplace_peers=true\npublic_key=%s\nendpoint=%s:51820\nallowed_ip=fd56:9::/64\n\n' \
            "$(x25519_private "$WORK/wg$i")" "$(x25519_public "$WORK/wg$((1 - i))")" "$(end_at $((1 - i)))" \
            | socat -t 2 - "UNIX-CONNECT:/var/run/wireguard/$link.sock")
        [[ $answer == *errno=0* ]] || return 1
        in_box "box$i" ip address add "fd56:9::$((i + 1))/64" dev "$link" nodad
        in_box "box$i" ip link set "$link" up
    done
    TARGET=fd56:9::2
}

up_nebula() {
    local i
    if [[ ! -e $WORK/nebula/ca.crt ]]; then
        mkdir -p "$WORK/nebula"
        (
            cd "$WORK/nebula"
            nebula-cert ca -name bench
            nebula-cert sign -name 0 -ip 10.57.9.1/24
            nebula-cert sign -name 1 -ip 10.57.9.2/24
        ) >"$WORK/nebula/log" 2>&1 || return 1
    fi
    for i in 0 1; do
        cat >"$WORK/nebula/$i.yaml" <<END
pki: {ca: $WORK/nebula/ca.crt, cert: $WORK/nebula/$i.crt, key: $WORK/nebula/$i.key}
static_host_map: {"10.57.9.$((2 - i))": ["$(end_at $((1 - i))):4242"]}
lighthouse: {am_lighthouse: false, hosts: []}
listen: {host: 0.0.0.0, port: 4242}
tun: {dev: nebula}
logging: {level: error}
firewall: {outbound: [{port: any, proto: any, host: any}], inbound: [{port: any, proto: any, host: any}]}
END
        net_start "box$i" "$WORK/nebula/$i.log" nebula -config "$WORK/nebula/$i.yaml"
        DAEMONS+=("$STARTED")
    done
    TARGET=10.57.9.2
}

up_tinc() {
    local i dir
    for i in 0 1; do
        dir=$WORK/tinc$i
        if [[ ! -e $dir/tinc.conf ]]; then
            mkdir -p "$dir/hosts"
            printf 'Name = end%s\nAddressFamily = ipv4\nMode = router\nDeviceType = tun\nInterface = tinc\n' "$i" >"$dir/tinc.conf"
            if ((i)); then echo 'ConnectTo = end0' >>"$dir/tinc.conf"; fi
            printf 'Address = %s\nSubnet = 10.58.9.%s/32\n' "$(end_at "$i")" $((i + 1)) >"$dir/hosts/end$i"
            # shellcheck disable=SC2016 # tinc sets INTERFACE
            printf '#!/bin/sh\nip address add 10.58.9.%s/24 dev "$INTERFACE"\nip link set "$INTERFACE" up\n' $((i + 1)) >"$dir/tinc-up"
            chmod 755 "$dir/tinc-up"
            tincd -c "$dir" -K 2048 </dev/null >"$dir/log" 2>&1 || return 1
        fi
    done
    for i in 0 1; do cp "$WORK/tinc$i/hosts/end$i" "$WORK/tinc$((1 - i))/hosts/"; done
    for i in 0 1; do
        net_start "box$i" "$WORK/tinc$i/log" tincd -c "$WORK/tinc$i" -D --pidfile "$WORK/tinc$i/pid"
        DAEMONS+=("$STARTED")
        if ((i == 0)); then wait_until 10 listens box0 655 || return 1; fi
    done
    TARGET=10.58.9.2
}
