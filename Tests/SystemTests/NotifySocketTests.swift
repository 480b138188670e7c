import Glibc
import Testing
import Wire

@testable import System

@Suite struct NotifySocketTests {
    @Test(arguments: ["@inet256vpn-test-\(getpid())", "/tmp/inet256vpn-notify-\(getpid())"])
    func speaksTheProtocol(path: String) throws {
        let listener = try NotifyListener(path)
        let notify = try NotifySocket(path: path)
        try notify.ready(status: "2 peers\nREADY=0")
        #expect(listener.next() == "READY=1\nSTATUS=2 peers READY=0", "a status cannot smuggle a field in")
        try notify.ready()
        #expect(listener.next() == "READY=1")
        try notify.status("über")
        #expect(listener.next() == "STATUS=über")
        try notify.watchdog()
        #expect(listener.next() == "WATCHDOG=1")
        try notify.stopping()
        #expect(listener.next() == "STOPPING=1")
        try notify.reloading()
        let reloading = try #require(listener.next())
        let lines = reloading.split(separator: "\n")
        #expect(lines.first == "RELOADING=1")
        let time = try #require(lines.last?.split(separator: "=").last.flatMap { Int64($0) })
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        #expect(time > 0 && time <= Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000)
        #expect(listener.next() == nil)
    }

    @Test func nobodyThereIsAnError() throws {
        let notify = try NotifySocket(path: "@inet256vpn-nobody-\(getpid())")
        let error = #expect(throws: SystemError.self) { try notify.watchdog() }
        #expect(error?.code == ECONNREFUSED)
    }

    @Test(arguments: ["", "/", "@", "relative", "vsock:2:1234", "/" + String(repeating: "x", count: 107), "/a\0b"])
    func badPathsAreRefused(path: String) {
        let error = #expect(throws: SystemError.self) { try NotifySocket(path: path) }
        #expect(error?.code == EINVAL)
    }

    @Test func watchdogInterval() {
        func interval(_ time: String?, _ process: String?) -> Interval? {
            NotifySocket.watchdogInterval(microseconds: time, process: process, own: 42)
        }
        #expect(interval("30000000", nil) == .seconds(30))
        #expect(interval("30000000", "42") == .seconds(30))
        #expect(interval("30000000", "43") == nil)
        #expect(interval("30000000", "me") == nil)
        #expect(interval(nil, "42") == nil)
        for bad in ["", "0", "-1", "x", "9223372036854775807", "99999999999999999999"] {
            #expect(interval(bad, nil) == nil)
        }
    }
}
