internal import CLinux
internal import Glibc
internal import System
internal import Wire

extension UDPSocket {
    /// Sends records in order, many a system call, and writes each one's outcome into it. What a single
    /// destination is at fault for costs that datagram and no other. Stops early only when the socket's
    /// buffer is full; the records from `done` on are then still `.pending` and the caller's to keep or drop; of several
    /// datagrams in one record only the unsent ones are left in it.
    /// Throws only when the socket itself is unusable.
    package func send(_ records: UnsafeMutableBufferPointer<OutgoingDatagram>) throws(TransportError) -> SendProgress {
        var progress = SendProgress()
        // The kernel would not take the next record as one.
        var isRefused = false
        while progress.done < records.count && !progress.isBlocked {
            if records[progress.done].segment != 0 && (isRefused || !sendsSegments) {
                try sendApart(&records[progress.done], &progress)
                isRefused = false
                continue
            }
            var count = min(records.count - progress.done, DatagramBatch.capacity)
            if !sendsSegments, let run = records[progress.done..<progress.done + count].firstIndex(where: \.isRun) {
                count = run - progress.done
            }
            let block = UnsafeMutableBufferPointer(rebasing: records[progress.done..<progress.done + count])
            isRefused = try send(block: block, &progress)
        }
        return progress
    }

    /// At most as many records as cross in one system call. True when it stopped in front of several datagrams in one
    /// record that the kernel would not take as such.
    private func send(
        block: UnsafeMutableBufferPointer<OutgoingDatagram>, _ progress: inout SendProgress
    ) throws(TransportError) -> Bool {
        for index in block.indices { scratch[index] = clinux_datagram(block[index]) }
        var next = 0
        // Set when the record at `next` is tried again without its source address.
        var isRetry = false
        while next < block.count {
            let result = clinux_send(descriptor, headers, scratch + next, UInt32(isRetry ? 1 : block.count - next))
            if result > 0 {
                let outcome = isRetry ? SendOutcome.sentFromOtherAddress : .sent
                for index in next..<next + Int(result) { finish(&block[index], outcome, &progress) }
                next += Int(result)
                isRetry = false
                continue
            }
            // sendmmsg(2) gives an error only about the first datagram: after others it stops in front of the
            // one at fault and gives the error at the next call.
            switch -result {
            case EINTR:
                continue
            case EAGAIN:
                counters.blocked += 1
                progress.isBlocked = true
                return false
            case EBADF, ENOTSOCK, EFAULT, ENOSYS:
                throw TransportError("send on", "UDP \(local)", code: -result)
            case let code:
                // EINVAL and EMSGSIZE for a segment that is too large, EIO where the way out cannot do checksums, and
                // whatever else: one by one they tell.
                if block[next].isRun { return true }
                if !isRetry && scratch[next].hasSource && Self.sourceMayBeGone(code) {
                    scratch[next].dropSource()
                    isRetry = true
                    continue
                }
                finish(&block[next], SendOutcome(code: code), &progress)
                next += 1
                isRetry = false
            }
        }
        return false
    }

    /// Sends the datagrams of one record one by one. Where the kernel takes all of these though it would not take them
    /// together, it is not asked to again.
    private func sendApart(_ record: inout OutgoingDatagram, _ progress: inout SendProgress) throws(TransportError) {
        let wasTried = sendsSegments
        var worst = SendOutcome.sent
        while !record.bytes.isEmpty {
            var count = 0
            var start = 0
            while count < OutgoingDatagram.maximumSegments, start < record.bytes.count {
                let end = min(start + record.segment, record.bytes.count)
                pieces[count] = OutgoingDatagram(
                    bytes: UnsafeRawBufferPointer(rebasing: record.bytes[start..<end]), path: record.path,
                    trafficClass: record.trafficClass)
                (count, start) = (count + 1, end)
            }
            var part = SendProgress()
            _ = try send(block: UnsafeMutableBufferPointer(rebasing: pieces[..<count]), &part)
            for piece in pieces[..<part.done] where piece.outcome.isRemarkable {
                worst = piece.outcome
                record.refused += piece.refused
                record.refusedBytes += piece.refusedBytes
            }
            let sent = min(part.done * record.segment, record.bytes.count)
            record.bytes = UnsafeRawBufferPointer(rebasing: record.bytes[sent...])
            if part.isBlocked {
                progress.isBlocked = true
                return
            }
        }
        record.outcome = worst
        progress.done += 1
        if worst.isRemarkable { progress.remarkable += 1 }
        if wasTried {
            counters.unsegmented += 1
            if worst == .sent { sendsSegments = false }
        }
    }

    /// Whether this may mean that the source address that was asked for, or its interface, is gone: the kernel
    /// says EINVAL over IPv6 and ENETUNREACH over IPv4, the others for interfaces. The retry tells.
    private static func sourceMayBeGone(_ code: Int32) -> Bool {
        code == EINVAL || code == ENETUNREACH || code == EADDRNOTAVAIL || code == ENODEV
    }

    private func finish(_ record: inout OutgoingDatagram, _ outcome: SendOutcome, _ progress: inout SendProgress) {
        record.outcome = outcome
        progress.done += 1
        if outcome.isRemarkable { progress.remarkable += 1 }
        switch outcome {
        case .pending: break
        case .sent: break
        case .sentFromOtherAddress: counters.sentFromOtherAddress += 1
        case .tooBig: counters.tooBig += 1
        case .unreachable: counters.unreachable += 1
        case .denied: counters.denied += 1
        case .failed: counters.failed += 1
        }
        if outcome == .sent || outcome == .sentFromOtherAddress {
            counters.sent += UInt64(record.datagrams)
            counters.sentBytes += UInt64(record.bytes.count)
        } else {
            record.refuse(outcome)
        }
    }
}

extension SendOutcome {
    /// What an errno says about one datagram.
    fileprivate init(code: Int32) {
        switch code {
        case EMSGSIZE: self = .tooBig
        case ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN, EAFNOSUPPORT, ECONNREFUSED, ENODEV: self = .unreachable
        case EPERM, EACCES: self = .denied
        default: self = .failed
        }
    }
}

extension OutgoingDatagram {
    fileprivate var isRun: Bool { segment != 0 }
}

extension clinux_datagram {
    fileprivate init(_ record: OutgoingDatagram) {
        self.init()
        // The kernel only reads it.
        bytes = UnsafeMutableRawPointer(mutating: record.bytes.baseAddress)
        length = record.bytes.count
        segment = UInt16(truncatingIfNeeded: record.segment)
        traffic_class = record.trafficClass
        let path = record.path
        remote_high = path.remote.address.high
        remote_low = path.remote.address.low
        remote_port = path.remote.port
        remote_scope = path.remote.scope
        local_high = path.local.high
        local_low = path.local.low
        // Naming the interface makes the kernel leave its routes aside, and over IPv4 even take any
        // destination for a neighbour: a packet that came in by one uplink while the routes point to another
        // would be answered into the void. The source address alone is what policy routing goes by. Only a
        // link-local destination means nothing without its interface.
        if path.remote.address.isLinkLocal {
            interface = path.interface
            if remote_scope == 0 { remote_scope = path.interface }
        }
    }

    fileprivate var hasSource: Bool { local_high | local_low != 0 || interface != 0 }

    fileprivate mutating func dropSource() {
        local_high = 0
        local_low = 0
        interface = 0
    }
}
