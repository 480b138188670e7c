internal import NIOCore
internal import NIOPosix

/// The thread on which all connections to daemons are read, and tasks that prefer it run.
final class LinkLoop: TaskExecutor {
    static let shared = LinkLoop(MultiThreadedEventLoopGroup.singleton.next())

    let loop: any EventLoop

    private init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
