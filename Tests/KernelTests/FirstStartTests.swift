import Foundation
import Testing

extension KernelTests {
    /// The first start, which makes a key and a configuration in /etc/inet256vpn: in a mount namespace whose /etc and /run are
    /// its own.
    @Suite struct FirstStarts {
        /// Two starts at once, many times: there is one key and one configuration, and whoever does not run says why.
        @Test(.timeLimit(.minutes(2)))
        func twoAtOnceDoNotBreakEachOther() async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                let said = try await FreshMachine.run(
                    """
                    for round in 1 2 3 4 5 6; do
                        rm -rf /etc/inet256vpn /run/inet256vpn
                        "$1" up >/run/a 2>&1 & a=$!
                        "$1" up >/run/b 2>&1 & b=$!
                        for i in $(seq 200); do
                            if ! kill -0 $a 2>/dev/null || ! kill -0 $b 2>/dev/null; then break; fi
                            sleep 0.05
                        done
                        for i in $(seq 100); do "$1" status >/dev/null 2>&1 && break; sleep 0.1; done
                        "$1" status | head -1 | grep -q "^address" && echo "one runs"
                        grep -hc "another daemon is running" /run/a /run/b | sort | tr '\\n' ' '; echo "says why"
                        kill $a $b 2>/dev/null; wait $a $b
                        ls -A /etc/inet256vpn | tr '\\n' ' '; ls -A /run/inet256vpn | wc -l
                        cat /run/a /run/b >&2
                    done
                    """, in: box)
                let lines = said.output.split(separator: "\n").map(String.init)
                let round = ["one runs", "0 1 says why", "config.yaml private_key.inet256 0"]
                #expect(lines == Array(repeating: round, count: 6).flatMap(\.self), "\(said)")
            }
        }

        /// `sudo inet256vpn up` by hand, and later the service with a user of its own: it is handed the key, which stays root's.
        @Test(.timeLimit(.minutes(1)))
        func theServiceStartsWithWhatRootMade() async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                let said = try await FreshMachine.run(
                    """
                    useradd --system --user-group --no-create-home inet256vpn
                    "$1" up >/run/log 2>&1 & pid=$!
                    up "$1"; "$1" status | head -1; kill $pid; wait $pid
                    stat -c '%U:%G %a %n' /etc/inet256vpn /etc/inet256vpn/*
                    ls -A /run/inet256vpn | wc -l
                    rmdir /run/inet256vpn; install -d -o inet256vpn -g inet256vpn /run/inet256vpn
                    mkdir -p /dev/net; mount -t tmpfs none /dev/net; mknod -m 666 /dev/net/tun c 10 200
                    install -d -m 500 -o inet256vpn /run/given
                    install -m 400 -o inet256vpn /etc/inet256vpn/private_key.inet256 /run/given/etc-inet256vpn-private_key.inet256
                    CREDENTIALS_DIRECTORY=/run/given setpriv --reuid=inet256vpn --regid=inet256vpn --init-groups \
                        --no-new-privs --bounding-set=-all,+net_admin --inh-caps=-all,+net_admin \
                        --ambient-caps=-all,+net_admin "$1" up >/run/log 2>&1 & pid=$!
                    up "$1"; "$1" status | head -1; kill $pid; wait $pid
                    cat /run/log >&2
                    """, in: box)
                let lines = said.output.split(separator: "\n").map(String.init)
                try #require(lines.count == 6, "\(said)")
                #expect(lines[0].hasPrefix("address ") && lines[5] == lines[0], "\(said)")
                #expect(
                    Array(lines[1...4]) == [
                        "root:inet256vpn 750 /etc/inet256vpn",
                        "root:inet256vpn 640 /etc/inet256vpn/config.yaml",
                        "root:root 600 /etc/inet256vpn/private_key.inet256", "0",
                    ], "\(said)")
            }
        }

        /// What README says that members of the group do without sudo, and what they do not.
        @Test(.timeLimit(.minutes(1)))
        func whatTheGroupMayDo() async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                let said = try await FreshMachine.run(
                    """
                    useradd --system --user-group --no-create-home inet256vpn
                    "$1" up >/run/log 2>&1 & pid=$!
                    up "$1"
                    self=$("$1" addr --private-key /etc/inet256vpn/private_key.inet256)
                    as() { setpriv --reuid=65534 --regid=65534 --groups="$1" --inh-caps=-all --bounding-set=-all "${@:2}" >/run/out 2>&1; }
                    group=$(getent group inet256vpn | cut -d: -f3)
                    while read -r words; do
                        as "$group" "$1" $words; member=$?
                        as 65534 "$1" $words; echo "$member $? $words"
                    done <<END
                    status
                    peers
                    ping -c 1 $self
                    reload
                    find ${self:0:8}
                    firewall show
                    firewall export
                    firewall export --running
                    firewall diff /etc/inet256vpn/config.yaml
                    firewall test --from $self --to icmpv6/echo-request
                    firewall check
                    check
                    addr --private-key /etc/inet256vpn/private_key.inet256
                    END
                    kill $pid; wait $pid
                    """, in: box)
                let lines = said.output.split(separator: "\n").map { $0.replacing(box.address, with: "SELF") }
                try #require(lines.count == 13, "\(said)")
                // The group's members may, and others are told that a permission is missing.
                for line in lines.prefix(11) { #expect(line.hasPrefix("0 77 "), "\(said)") }
                for line in lines.suffix(2) { #expect(line.hasPrefix("77 77 "), "\(said)") }
            }
        }

        /// A key that root made by itself: the service says which command makes it the service's, and that one does.
        @Test(.timeLimit(.minutes(1)))
        func aKeyThatIsNotTheServicesIsNamedWithTheCommand() async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                let said = try await FreshMachine.run(
                    """
                    useradd --system --user-group --no-create-home inet256vpn
                    mkdir -p /etc/inet256vpn /run/inet256vpn; chown inet256vpn: /run/inet256vpn
                    "$1" keygen --output /etc/inet256vpn/private_key.inet256 2>/dev/null
                    echo 'portal: {enabled: false}' >/etc/inet256vpn/config.yaml
                    as() { setpriv --reuid=inet256vpn --regid=inet256vpn --init-groups --inh-caps=-all --bounding-set=-all "$@"; }
                    as "$1" up 2>/run/log; echo "ended with $?"
                    command=$(sed -n 's/.*: sudo \\(chown .*\\)/\\1/p' /run/log); echo "$command"; $command
                    as "$1" up 2>/run/log & pid=$!
                    up "$1"; "$1" status | head -1 | cut -d' ' -f1; kill $pid; wait $pid
                    """, in: box)
                #expect(
                    said.output == "ended with 77\nchown inet256vpn: /etc/inet256vpn/private_key.inet256\naddress\n",
                    "\(said)")
            }
        }

        /// Commands find a daemon whose configuration names another socket, without being told.
        @Test(.timeLimit(.minutes(1)))
        func commandsFollowTheConfiguration() async throws {
            try await Testbed.with { bed in
                let box = try await bed.box("alice")
                let said = try await FreshMachine.run(
                    """
                    mkdir /etc/inet256vpn; umask 077; "$1" keygen >/etc/inet256vpn/private_key.inet256 2>/dev/null
                    echo 'api_endpoint: "unix:///run/elsewhere.sock"' >/etc/inet256vpn/config.yaml
                    "$1" up >/run/log 2>&1 & pid=$!
                    up "$1"; "$1" status | head -1
                    # A change of the key waits for a restart, and until then the old place is found.
                    kill $pid; wait $pid; echo 'accept: any' >/etc/inet256vpn/config.yaml
                    "$1" up >/run/log 2>&1 & pid=$!
                    up "$1"; echo 'api_endpoint: "unix:///run/elsewhere.sock"' >/etc/inet256vpn/config.yaml
                    "$1" reload; echo 'api_endpoint: [' >/etc/inet256vpn/config.yaml; "$1" status | grep ^waiting
                    kill $pid; wait $pid
                    """, in: box)
                let lines = said.output.split(separator: "\n").map(String.init)
                try #require(lines.count == 4, "\(said)")
                #expect(lines[0].hasPrefix("address "), "\(said)")
                #expect(lines[2] == "NEEDS A RESTART: api_endpoint" && lines[3].contains("api_endpoint"), "\(said)")
            }
        }
    }
}
