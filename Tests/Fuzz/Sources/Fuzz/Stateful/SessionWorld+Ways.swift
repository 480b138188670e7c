import INET256
import Wire

@testable import Mesh

/// Endpoints, and how a hostile node's datagrams get to a box.
extension SessionWorld {
    func endpoint(_ place: Int) -> Endpoint {
        Endpoint(address: IPv6Address(high: 0x2001_0db8 << 32, low: UInt64(place) + 1), port: 25632)
    }

    /// 0 and 1 are the node's own, of 2 it sees nothing that arrives there, 3 is another box's.
    func endpoint(of hostile: Int, _ source: Int, for place: Int = 0) -> Endpoint {
        let number = UInt64(hostile)
        switch source {
        case 0, 1:
            return Endpoint(
                address: IPv6Address(high: 0x2001_0db8 << 32 | 0xbad, low: number), port: 4000 + UInt16(source))
        case 2: return Endpoint(address: IPv6Address(high: 0x2001_0db8 << 32 | 0x70, low: number), port: 5000)
        default: return endpoint((place + 1) % Self.boxCount)
        }
    }

    func hostile(at endpoint: Endpoint) -> Int? {
        Self.hostiles.indices.first { number in
            (0...1).contains { self.endpoint(of: number, $0) == endpoint }
        }
    }

    /// Gives `datagram` to the line's box by the line's way. `seeks`: where that needs a link, it is made first.
    func carry(
        _ datagram: [UInt8], _ line: HostileLine, source: Int, seeks: Bool = true, newTurn: Bool = true,
        leaves: Bool = false
    ) {
        guard let way = line.way else {
            let from = endpoint(of: line.hostile.number, source, for: line.box)
            return give(datagram, to: line.box, from: from, newTurn: newTurn, leaves: leaves)
        }
        let frame = relayFrame(datagram, to: address(line.box), from: line.hostile.address)
        let link = seeks ? linked(line.hostile.number, way) : self.line(line.hostile.number, way, nil)
        send(frame, link, source: source, newTurn: newTurn, leaves: leaves)
    }

    func relayFrame(
        _ datagram: [UInt8], to destination: Address, from source: Address, hops: UInt8 = 64, stamp: UInt16 = 1200
    ) -> [UInt8] {
        var frame: [UInt8] = [FrameKind.relay.rawValue, hops]
        frame.appendLittle(stamp)
        frame.append(destination.raw)
        frame.append(source.raw)
        return frame + datagram
    }

    /// Seals a frame for a line and gives it to the box; in pieces if it does not fit a datagram.
    func send(_ frame: [UInt8], _ line: HostileLine, source: Int, newTurn: Bool = true, leaves: Bool = false) {
        let isWhole = frame.count <= line.largestFrame
        let frames = isWhole ? [frame] : line.pieces(of: frame, count: 2 + frame.count / 1200 % 60)
        for piece in frames {
            guard let datagram = line.seal(piece) else { return }
            carry(datagram, line, source: source, newTurn: newTurn, leaves: leaves)
        }
    }

    /// The straight line of a hostile node to a box, with keys and, where the box wants it, a link.
    func linked(_ hostile: Int, _ place: Int) -> HostileLine {
        let line = self.line(hostile, place, nil)
        connect(line)
        if boxes[place].links.acceptsAnybody, !isLinked(place, with: line.hostile.address) {
            send(line.hello(accepts: true, run: 1), line, source: 0)
            calm()
        }
        return line
    }

    /// Sees to it that the line has keys that the box has too, if it lets itself be called.
    func connect(_ line: HostileLine) {
        let box = boxes[line.box]
        if let keys = line.keys, case .keypair = box.indices[keys.remoteIndex] { return }
        handshake(line, suites: 6, source: 0)
    }

    func handshake(_ line: HostileLine, suites: UInt16, source: Int) {
        carry(line.call(address(line.box), suites: suites, random: random), line, source: source)
        calm()
        line.prepare(lying: 0)
        if let message = line.message3 { carry(message, line, source: source) }
        calm()
    }
}

extension HostileLine {
    /// What goes in one datagram, kind byte included. Relayed it may be larger than any that UDP carries, since links put it
    /// together from pieces.
    var largestFrame: Int {
        way == nil
            ? StepTables.largestDatagram - TransportLayout.overhead
            : Reassembler.frameCapacity - RelayLayout.header - TransportLayout.overhead
    }

    func hello(accepts: Bool, run: UInt64, wantsAnswer: Bool = false) -> [UInt8] {
        var frame: [UInt8] = [
            FrameKind.hello.rawValue,
            (accepts ? HelloLayout.acceptsLink : 0) | (wantsAnswer ? HelloLayout.wantsAnswer : 0),
        ]
        frame.appendLittle(run)
        return frame
    }

    /// Cuts a frame as a box does: pieces of one length, but for the last.
    func pieces(of frame: [UInt8], count: Int) -> [[UInt8]] {
        let count = min(max(count, 2), min(FragmentLayout.maximumPieces, max(frame.count, 2)))
        let length = (frame.count + count - 1) / count
        fragment &+= 1
        let whole = (frame.count + length - 1) / length
        return (0..<whole).map { piece in
            let part = frame[piece * length..<min(frame.count, (piece + 1) * length)]
            return fragmentHead(fragment, UInt8(piece), UInt8(whole), UInt32(frame.count)) + part
        }
    }

    func fragmentHead(_ number: UInt32, _ piece: UInt8, _ pieces: UInt8, _ total: UInt32) -> [UInt8] {
        var head: [UInt8] = [FrameKind.fragment.rawValue]
        head.appendLittle(number)
        head += [piece, pieces]
        head.appendLittle(total)
        return head
    }

    /// Remembers what the box asks, and says what a box would answer; nil for nothing.
    func hear(_ frame: [UInt8], _ count: Int) -> [UInt8]? {
        let body = Array(frame.dropFirst())
        switch frame.first.flatMap(FrameKind.init) {
        case .challenge:
            heard.challenge = body
            return [FrameKind.challengeResponse.rawValue] + body
        case .ping:
            heard.ping = body
            return [FrameKind.pong.rawValue] + body
        case .sizeProbe:
            heard.probe = Array(body.prefix(4))
            heard.probeSize = count
            return probeAnswer(UInt32(clamping: count))
        case .hello:
            return body.first.map { $0 & HelloLayout.wantsAnswer != 0 } == true ? hello(accepts: true, run: 1) : nil
        case .control:
            return acknowledgement(of: body)
        default: return nil
        }
    }

    func probeAnswer(_ size: UInt32) -> [UInt8] {
        var answer = [FrameKind.sizeProbeAnswer.rawValue] + (heard.probe ?? [0, 0, 0, 0])
        answer.appendLittle(size)
        return answer
    }

    private func acknowledgement(of control: [UInt8]) -> [UInt8]? {
        control.withUnsafeBytes { bytes in
            guard case .updates(let epoch, let serial, _)? = try? ReceivedBeaconFrame(bytes) else { return nil }
            return [FrameKind.control.rawValue] + BeaconFrame.acknowledgement(epoch: 1, of: epoch, serials: [serial])
        }
    }

    /// Opens a cookie, to show it with the next call.
    func take(cookie message: [UInt8]) {
        guard message.count == CookieLayout.count, !message1.isEmpty else { return }
        let sealed = Array(message[CookieLayout.sealed...])
        let nonce = Array(message[CookieLayout.nonce..<CookieLayout.sealed])
        let mac1 = Array(message1[InitiationLayout.mac1..<InitiationLayout.mac2])
        let key = AddressKeys(SessionWorld.keys[box].address).cookie
        cookie = key.withUnsafeBytes { XChaCha20Poly1305.open(sealed, nonce: nonce, additional: mac1, key: $0) }
    }
}
