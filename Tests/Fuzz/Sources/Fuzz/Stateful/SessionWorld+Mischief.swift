import INET256
import Wire

@testable import Mesh

/// The verbs that need no session, or more than one.
extension SessionWorld {
    // MARK: Through links

    /// A relay frame to a box or to anybody, with anything inside: even one more of its kind, sealed for its reader.
    func relay(_ step: SessionStep, _ line: HostileLine) {
        let link = linked(line.hostile.number, step.way ?? step.box % 2)
        let target: Address
        switch step.kind & 7 {
        case 0..<4: target = address(Int(step.kind & 3))
        case 4: target = Self.hostiles[Int(step.kind >> 3) % Self.hostileCount].address
        case 5: target = Address(raw: Bytes32(words: (UInt64(step.number), 1, 2, 3)))
        case 6: target = link.hostile.address
        default: target = Self.hostiles[Self.hostileCount].address
        }
        let source = step.has(2) ? address(Int(step.number & 3)) : line.hostile.address
        var inner: [UInt8]
        switch step.kind >> 4 & 3 {
        case 0:
            // A sealed frame of the line's own session, relay frames among them.
            inner = line.seal(resized(natural(step, line), step), counter: step.number) ?? [4]
        case 1: inner = recorded.isEmpty ? [] : recorded[Int(step.number) % recorded.count]
        case 2: inner = resized([UInt8(step.kind & 7)], step)
        default: inner = relayFrame([4, 0, 0, 0], to: target, from: source)
        }
        inner = step.has(3) ? bent(inner, step) : inner
        let hops = step.has(4) ? StepTables.byte(step.number) : 64
        let stamp = step.has(6) ? step.size : 1200
        send(relayFrame(inner, to: target, from: source, hops: hops, stamp: stamp), link, source: step.source)
    }

    /// Beacons with good signatures and odd numbers, retractions, requests, acknowledgements, and rubbish.
    func control(_ step: SessionStep, _ line: HostileLine) {
        let link = linked(line.hostile.number, step.box % 2)
        let epoch = step.has(3) ? StepTables.sequence(step.number) : 1
        var frame = BeaconFrame.header(step.kind % 6 == 4 ? .acknowledgement : .updates, epoch: epoch)
        frame.appendBig(step.has(4) ? StepTables.sequence(step.size) : UInt64(step.number))
        let address = address(Int(step.size & 3))
        switch step.kind % 6 {
        case 0, 1:
            for number in 0...Int(step.kind >> 4 & 3) {
                let origin = Self.hostiles[Int(step.kind >> 6) + number]
                let beacon = Beacon(
                    signedBy: origin.key, sequence: StepTables.sequence(step.number),
                    lifetime: StepTables.lifetime(step.size), purpose: "inet256/beacon", now: now)
                BeaconItem.appendBeacon(beacon, metric: StepTables.byte(step.size), age: step.number & 3, to: &frame)
            }
        case 2: BeaconItem.appendRetraction(address, to: &frame)
        case 3:
            let request = BeaconRequest(
                sequence: StepTables.sequence(step.number), hops: StepTables.byte(step.size))
            BeaconItem.appendRequest(address, request, to: &frame)
        case 4: for serial in 0..<step.number % 100 { frame.appendBig(UInt64(serial)) }
        default: frame = resized(frame, step)
        }
        send([FrameKind.control.rawValue] + (step.has(2) ? bent(frame, step) : frame), link, source: step.source)
    }

    // MARK: Without keys

    func hint(_ step: SessionStep, _ line: HostileLine) {
        var hint: [UInt8] = [DatagramKind.unknownIndex.rawValue, 0, 0, 0]
        let index = line.keys?.localIndex ?? 0
        hint.appendLittle(step.has(3) ? UInt32(step.number) : index)
        hint.appendLittle(StepTables.counter(step.number, next: UInt64(step.kind)))
        carry(bent(hint, step), line, source: step.source)
    }

    /// A cookie for the box's call, sealed as it should be.
    func cookie(_ step: SessionStep, _ line: HostileLine) {
        guard let call = line.initiation else { return }
        var cookie: [UInt8] = [DatagramKind.cookie.rawValue, 0, 0, 0]
        cookie += call[InitiationLayout.sender..<InitiationLayout.sender + 4]
        let nonce = [UInt8](repeating: step.kind, count: 24)
        let shown = Array(call[InitiationLayout.mac1..<InitiationLayout.mac2])
        cookie += nonce
        cookie += line.hostile.keys.cookie.withUnsafeBytes {
            XChaCha20Poly1305.seal([UInt8](repeating: step.kind, count: 16), nonce: nonce, additional: shown, key: $0)
        }
        carry(bent(cookie, step), line, source: step.source)
    }

    /// Bytes with a kind in front, and sometimes the index of something that exists.
    func raw(_ step: SessionStep, _ line: HostileLine) {
        var datagram = [UInt8](
            repeating: UInt8(truncatingIfNeeded: step.number), count: StepTables.size(step.size) ?? 192)
        for (place, byte) in [step.kind % 8, step.has(3) ? 0 : 1, 0, 0].enumerated() where place < datagram.count {
            datagram[place] = byte
        }
        if step.has(4), datagram.count >= TransportLayout.header, let index = line.keys?.remoteIndex {
            datagram.withUnsafeMutableBytes { $0.baseAddress?.putLittle(index, TransportLayout.receiver) }
        }
        carry(datagram, line, source: step.source)
    }

    /// Something that was on the wire, to the same or to another box, from anywhere.
    func replay(_ step: SessionStep, _ line: HostileLine) {
        guard !recorded.isEmpty else { return }
        let datagram = recorded[Int(step.number) % recorded.count]
        carry(bent(datagram, step), line, source: step.source)
    }

    // MARK: Many at once

    func flood(_ step: SessionStep, _ line: HostileLine) {
        let count = Int(step.number % 48) + 1
        switch step.kind % 7 {
        case 0:
            // Calls, in one turn or in many.
            for _ in 0..<count {
                let call = line.call(address(line.box), suites: 6, random: random)
                carry(call, line, source: step.source, newTurn: step.has(3), leaves: true)
            }
        case 1:
            // Each is answered by as much: the burst is full before they are all through.
            connect(line)
            let ping = resized([FrameKind.ping.rawValue] + [UInt8](repeating: 1, count: 8), step)
            for _ in 0..<count { send(ping, line, source: step.source, newTurn: false, leaves: true) }
        case 2:
            connect(line)
            for number in 0..<count {
                let head = line.fragmentHead(UInt32(number) << 8, 0, 2, 65_000)
                send(head + [UInt8](repeating: 1, count: 32_500), line, source: step.source)
            }
        case 3:
            // Data that overtakes message 3.
            carry(line.call(address(line.box), suites: 6, random: random), line, source: 0)
            calm()
            line.prepare(lying: 0)
            let frame = resized([FrameKind.message.rawValue, 0x66], step)
            for _ in 0..<count { send(frame, line, source: step.source) }
            if !step.has(3), let message = line.message3 { carry(message, line, source: 0) }
        case 4:
            for number in 0..<count where !recorded.isEmpty {
                carry(recorded[number % recorded.count], line, source: step.source, newTurn: false)
            }
        case 5:
            // Strangers that nobody ever heard of.
            for number in 0..<min(count, Self.crowdCount) {
                let other = self.line(Self.hostileCount + number, line.box, nil)
                handshake(other, suites: 6, source: step.source)
                if step.has(3) { send(other.hello(accepts: true, run: 1), other, source: step.source) }
            }
        default:
            for number in 0..<count {
                let nobody = Address(raw: Bytes32(words: (UInt64(step.size), UInt64(number), 5, 6)))
                let frame = relayFrame([4, 0, 0, 0], to: nobody, from: line.hostile.address)
                send(frame, linked(line.hostile.number, line.box % 2), source: step.source)
            }
        }
        collect(line.box)
        for place in boxes.indices { collect(place) }
    }
}
