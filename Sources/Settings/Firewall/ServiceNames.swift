internal import Firewall
internal import Glibc

/// The names of services and their ports, as services(5) lists them.
struct ServiceNames: Sendable {
    private var ports: [String: [Service]] = [:]

    static let standardPath = "/etc/services"
    /// Bytes of a file that are taken for a list of services; the full list of IANA has under 1 MB.
    static let largestFile = 4 << 20

    /// What the machine's file says. What it lacks, or all when there is none, comes from the built-in list.
    static let system: ServiceNames = {
        // Not having the file is no fault: many small images do not.
        guard let contents = try? FileContents.read(standardPath, limit: largestFile) else { return builtIn }
        var names = ServiceNames(parsing: String(decoding: contents.bytes, as: UTF8.self))
        names.ports.merge(builtIn.ports) { listed, _ in listed }
        return names
    }()

    /// Takes in lines of the form `name port/protocol alias ... # comment`. Lines that are not of this form, and
    /// protocols without ports, are passed over, as the C library does.
    init(parsing text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
            guard words.count >= 2 else { continue }
            let parts = words[1].split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2, let port = UInt16(parts[0]), port != 0,
                let number = ServiceText.protocolsWithPorts[String(parts[1])]
            else { continue }
            let service = Service.ports(protocol: number, port...port)
            for name in [words[0]] + words[2...] where ports[String(name)]?.contains(service) != true {
                ports[String(name), default: []].append(service)
            }
        }
    }

    /// What `name` stands for: as a rule one port, under TCP, UDP or both.
    subscript(name: String) -> [Service]? { ports[name] }

    /// In no order.
    var all: some Sequence<String> { ports.keys }

    static let builtIn = ServiceNames(
        parsing: """
            ftp 21/tcp
            ssh 22/tcp
            telnet 23/tcp
            smtp 25/tcp mail
            domain 53/tcp
            domain 53/udp
            http 80/tcp www
            pop3 110/tcp
            ntp 123/udp
            imap2 143/tcp imap
            snmp 161/udp
            ldap 389/tcp
            https 443/tcp
            https 443/udp
            microsoft-ds 445/tcp
            submissions 465/tcp
            syslog 514/udp
            submission 587/tcp
            ipp 631/tcp
            rsync 873/tcp
            imaps 993/tcp
            pop3s 995/tcp
            nfs 2049/tcp
            mysql 3306/tcp
            ms-wbt-server 3389/tcp
            mdns 5353/udp
            postgresql 5432/tcp
            """)
}
