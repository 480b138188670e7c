internal import Glibc

/// Where the daemon keeps what outlives its runs.
enum StateFolder {
    static let usual = "/var/lib/inet256vpn"

    /// The folder that systemd gives, else the usual one; nil where that is not there, or may not be written into.
    static var writable: String? {
        let given = getenv("STATE_DIRECTORY").map { String(cString: $0) } ?? ""
        // systemd.exec(5): several are divided by colons.
        let folder = given.split(separator: ":").first.map(String.init) ?? usual
        return access(folder, W_OK | X_OK) == 0 ? folder : nil
    }
}
