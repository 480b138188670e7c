import Foundation

/// A box whose /etc and /run are its own and have nothing of inet256vpn yet, in a mount namespace that goes with what runs in it.
enum FreshMachine {
    /// Runs `script` with the program as "$1"; `up "$1"` waits until a daemon answers, and `sudo` does what it is told.
    static func run(_ script: String, in box: Box) async throws -> Outcome {
        let place = """
            mount -t tmpfs none /run; mkdir -p "$2/u" "$2/w"
            mount -t overlay -o lowerdir=/etc,upperdir="$2/u",workdir="$2/w" overlay /etc
            rm -rf /etc/inet256vpn; sed -i /^inet256vpn:/d /etc/passwd /etc/group; unset INET256_API
            mkdir /run/bin; ln -s "$1" /run/bin/inet256vpn; PATH="$3/scripts/try-readme.d:/run/bin:$PATH"
            up() { for i in $(seq 200); do "$1" status >/dev/null 2>&1 && return; sleep 0.1; done; }

            """
        return try await box.run(
            words: [
                "unshare", "--mount", "--propagation", "private", "bash", "-uc", place + script, "-",
                try Requirements.binary(), box.directory, Requirements.root,
            ], within: .seconds(50))
    }
}
