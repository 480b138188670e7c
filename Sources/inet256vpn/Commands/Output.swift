internal import Glibc
internal import Settings

/// Standard output and standard error of every command. Nothing is kept back, so that what was printed is there when a
/// command ends, however it ends, and a failure is told: a full disk must not pass for an empty answer.
enum Output {
    /// Writes all of it to standard output. When that is impossible the command ends here: without a word where the reader has
    /// gone, as with `| head`, else with one and status 1.
    static func write(_ bytes: UnsafeRawBufferPointer) {
        do throws(FileError) {
            try writeAll(bytes, STDOUT_FILENO)
        } catch {
            if error.code == EPIPE { leaveSilently() }
            complain("\(error)")
            exit(ExitStatus.failure.rawValue)
        }
    }

    static func write(_ text: String) {
        var text = text
        text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
    }

    /// Writes to standard error. Whoever does not read that cannot be told of it either.
    static func notice(_ text: String) {
        var text = text
        text.withUTF8 { try? writeAll(UnsafeRawBufferPointer($0), STDERR_FILENO) }
    }

    /// Writes a line to standard error.
    static func note(_ line: String) { notice(line + "\n") }

    /// Writes "inet256vpn: text" to standard error.
    static func complain(_ text: String) { note("\(Program.name): \(text)") }

    /// Where a standard stream is closed, the next file or socket that is opened would get its number, and what is printed or
    /// logged would go into that. Standard output that is missing then is one that cannot be written.
    static func claimStandardStreams() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            _ = open(descriptor == STDOUT_FILENO ? "/dev/full" : "/dev/null", O_RDWR)
        }
    }

    private static func writeAll(_ bytes: UnsafeRawBufferPointer, _ descriptor: Int32) throws(FileError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let view = UnsafeRawBufferPointer(rebasing: rest)
            let count = Glibc.write(descriptor, view.baseAddress, view.count)
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                // Somebody else has made the terminal or pipe that we share non-blocking.
                var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&wait, 1, -1)
            } else if errno != EINTR {
                throw FileError("write", descriptor == STDOUT_FILENO ? "standard output" : "standard error")
            }
        }
    }

    /// Ends as any program does whose reader has gone. The libraries for sockets have SIGPIPE ignored.
    private static func leaveSilently() -> Never {
        signal(SIGPIPE, SIG_DFL)
        raise(SIGPIPE)
        _exit(128 + SIGPIPE)
    }
}

/// Takes the place of the standard library's `print` in this program, which loses its output in silence when it cannot be
/// written.
func print(_ items: Any..., separator: String = " ", terminator: String = "\n") {
    Output.write(items.map { "\($0)" }.joined(separator: separator) + terminator)
}

/// Several lines at once: `| head -1` has them all before it goes away, and no pipeline fails for that.
func printLines(_ lines: [String]) { Output.write(lines.map { $0 + "\n" }.joined()) }
