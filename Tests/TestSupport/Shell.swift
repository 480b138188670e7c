internal import Glibc
package import Synchronization

/// A child shares our descriptors from its birth until its exec is through, so a device closed meanwhile would live
/// on for a moment. Running programs and closing devices therefore exclude each other.
package let runningOrClosing = Mutex(())

/// Runs a program in the calling thread's namespace and waits for it.
/// - Returns: its exit code, and what it wrote on standard output and error.
@discardableResult
package func run(_ command: String) -> (code: Int32, output: String) {
    runningOrClosing.withLock { _ in runAlone(command) }
}

private func runAlone(_ command: String) -> (code: Int32, output: String) {
    var ends: [Int32] = [0, 0]
    precondition(pipe(&ends) == 0, "pipe: \(errno)")
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
    posix_spawn_file_actions_addclose(&actions, ends[0])
    posix_spawn_file_actions_addclose(&actions, ends[1])
    defer { posix_spawn_file_actions_destroy(&actions) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var pid: pid_t = 0
    let words = ["/bin/sh", "-c", "PATH=/usr/sbin:/usr/bin:/sbin:/bin; \(command)"]
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { word in strdup(word) } + [nil]
    let failed = posix_spawn(&pid, "/bin/sh", &actions, nil, &arguments, environ)
    for argument in arguments { free(argument) }
    close(ends[1])
    defer { close(ends[0]) }
    guard failed == 0 else { return (-1, "posix_spawn: \(failed)") }
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = read(ends[0], &chunk, chunk.count)
        if count < 0 && errno == EINTR { continue }
        if count <= 0 { break }
        output += chunk[0..<count]
    }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    return (status >> 8 & 0xff, String(decoding: output, as: UTF8.self))
}
