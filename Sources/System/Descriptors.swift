internal import CLinux
internal import Glibc

/// How many files and sockets the process may have open (RLIMIT_NOFILE of getrlimit(2)).
package enum Descriptors {
    /// More than is ever needed, and few enough for what walks through all of them.
    private static let most: rlim_t = 65536

    /// Takes as many as the hard limit grants, up to 65,536.
    package static func raiseLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        let wanted = min(limit.rlim_max, most)
        guard limit.rlim_cur < wanted else { return }
        limit.rlim_cur = wanted
        // Refused it stays as it is, and `probe` says what that is worth.
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// How many more can be open, about: the lowest number that is free tells how many are. 0 where not one can.
    package static var free: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        let next = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard next >= 0 else { return 0 }
        close(next)
        return max(0, Int(clamping: limit.rlim_cur) - Int(next))
    }

    /// Tries whether `count` more can be open at a time, by opening them.
    /// - Throws: EMFILE, ENFILE.
    package static func probe(_ count: Int) throws(SystemError) {
        var opened: [Int32] = []
        defer { for descriptor in opened { close(descriptor) } }
        for number in 0..<count {
            let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw SystemError(
                    "open", "file \(number + 1) of \(count) that are needed", code: errno,
                    advice: "raise the limit of open files (LimitNOFILE= of the systemd unit, `ulimit -n`)")
            }
            opened.append(descriptor)
        }
    }
}

/// What addresses the process may still take (RLIMIT_AS of getrlimit(2)). Swift ends a program for which memory is not to be had.
package enum AddressSpace {
    /// Tries whether `bytes` more can be had, by taking them, without using any.
    /// - Throws: ENOMEM.
    package static func probe(_ bytes: Int) throws(SystemError) {
        let taken = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard taken != MAP_FAILED, let taken else {
            throw SystemError(
                "have", "\(bytes >> 20) MB of address space that are needed", code: errno,
                advice:
                    "raise the limit of it (`ulimit -v`, LimitAS= of the systemd unit); MemoryMax= limits what is used")
        }
        munmap(taken, bytes)
    }
}
