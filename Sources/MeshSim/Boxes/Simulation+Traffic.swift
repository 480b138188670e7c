package import INET256
package import Mesh
package import Wire

/// Datagrams between boxes: out of one, over a cable, into another.
extension Simulation {
    /// Hands a message to a node for another.
    @discardableResult
    package func send(_ message: [UInt8], from: Int, to: Address) -> SendOutcome? {
        guard let box = nodes[from].box else { return nil }
        nodes[from].pace.disturbed()
        let outcome = message.withUnsafeBytes { box.send($0, from: .main, to: to, now: now) }
        settle(from)
        return outcome
    }

    /// Puts a datagram on the wire to a node, as an attacker would.
    package func inject(_ datagram: [UInt8], into place: Int, from endpoint: Endpoint) {
        deliver(datagram, to: place, from: endpoint)
    }

    func deliver(_ bytes: [UInt8], to place: Int, from: Endpoint, port: UInt16? = nil) {
        guard let box = nodes[place].box else { return }
        nodes[place].pace.disturbed()
        var copy = bytes
        box.beginTurn()
        let isSpray = port.map { nodes[place].spray.has($0) } == true
        if isSpray, let port { nodes[place].spray.received(by: port) }
        let path = Path(
            remote: from, local: nodes[place].endpoint.address, interface: 1,
            socket: isSpray ? SimulatedSpray.socket : 0)
        copy.withUnsafeMutableBytes { datagram in
            var delivery = box.receive(datagram, from: path, now: now)
            if delivery == nil, box.hasOvertaken { delivery = box.nextOvertaken(now: now) }
            while let arrived = delivery {
                if company?.take(arrived, at: place, now: now) != true {
                    nodes[place].received.append(
                        Received(from: arrived.source, message: Array(arrived.message), at: now))
                }
                delivery = box.hasOvertaken ? box.nextOvertaken(now: now) : nil
            }
        }
        settle(place)
    }

    /// After a box was touched: what it sends goes on its way, and its timer is set.
    func settle(_ place: Int) {
        if nodes[place].box != nil { company?.turnEnds(place, now: now) }
        collect(place)
        guard let box = nodes[place].box else { return }
        timeline.wake(place, at: min(box.deadline, company?.deadline(place) ?? .distantFuture))
    }

    /// Takes what a box has put out.
    func collect(_ place: Int) {
        guard let box = nodes[place].box else { return }
        var refusals: [(path: Path, refusal: SendRefusal)] = []
        for datagram in box.outbox.datagrams {
            var bytes = Array(box.outbox.bytes(of: datagram))
            mix(place, bytes)
            let remote = datagram.path.remote
            guard let target = node(at: remote) else { continue }
            if let refusal = refusal(datagram, from: place, to: target) {
                refusals.append((datagram.path, refusal))
                continue
            }
            if let tap {
                guard let changed = tap(place, target, bytes) else { continue }
                bytes = changed
            }
            guard let source = nodes[place].source(of: datagram.path) else { continue }
            put(bytes, from: place, source, to: target, at: remote)
        }
        box.outbox.removeAll()
        for (path, refusal) in refusals { box.refused(refusal, for: path, now: now) }
    }

    /// Puts a datagram on the cable to another box, if there is one. A NAT at the far end decides at once, as if the cable had no
    /// length.
    private func put(
        _ bytes: [UInt8], from place: Int, _ inside: Endpoint, to target: Int, at remote: Endpoint
    ) {
        let key = CableKey(place, target)
        guard cables[key]?.isUp == true else { return }
        sent += 1
        let source = translated(inside, of: place, to: remote, by: cables[key])
        guard let arrivals = cables[key]?.carry(bytes.count + remote.headerBytes, from: place, at: now, random),
            !arrivals.isEmpty, let reached = self.inside(target, by: cables[key], to: remote, from: source)
        else {
            lost += 1
            return
        }
        for arrival in arrivals {
            timeline.push(Arrival(node: target, from: source, port: reached.port, bytes: bytes), at: arrival)
        }
    }

    /// What the kernel of a box refuses, because its interface carries less, as it says.
    private func refusal(_ datagram: Outbox.Datagram, from place: Int, to target: Int) -> SendRefusal? {
        func refusal(_ reason: SendRefusal.Reason) -> SendRefusal {
            SendRefusal(reason, largest: datagram.count, datagrams: 1, bytes: datagram.count)
        }
        if let reason = refusesToSend?(place, target) { return refusal(reason) }
        guard let limit = cables[CableKey(place, target)]?.quality.interfaceMTU,
            datagram.count + datagram.path.remote.headerBytes > limit
        else { return nil }
        return refusal(.tooLarge)
    }

    private func mix(_ place: Int, _ bytes: [UInt8]) {
        // In C: a day of virtual time is a hundred thousand datagrams, and tests are debug builds.
        var head = (UInt64(place).littleEndian, now.nanoseconds.littleEndian, fingerprint.littleEndian)
        var digest: UInt64 = 0
        withUnsafeMutableBytes(of: &digest) { digest in
            withUnsafeBytes(of: &head) { head in
                bytes.withUnsafeBytes { bytes in
                    Blake2b.hash(into: digest, key: UnsafeRawBufferPointer(start: nil, count: 0), head, bytes)
                }
            }
        }
        fingerprint = UInt64(littleEndian: digest)
    }
}
