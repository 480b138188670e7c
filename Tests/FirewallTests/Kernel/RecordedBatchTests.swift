import Firewall
import Testing
import Wire

/// The bytes of whole batches against recorded ones, so that a change of encoding is seen. INET256_RECORD=1 records anew.
@Suite struct RecordedBatchTests {
    @Test(arguments: ["fresh", "change", "elements", "trial", "removal"])
    func theBytesAreAsRecorded(_ name: String) {
        let everything = Samples.everything(table: "inet256vpn")
        var moved = everything
        moved.sets[0].elements = .hosts([Samples.address(2), Samples.address(3)])
        moved.sets[1].elements = .prefixes([Samples.prefix("fd01::/16"), Samples.prefix("fe80::/10")])
        let batch =
            switch name {
            case "fresh": NftBatch.fresh(everything, owned: true, replacing: true)
            case "change": NftBatch.change(from: everything, to: Samples.small())
            case "elements": NftBatch.change(from: everything, to: moved)
            case "trial": NftBatch.trial(Samples.small(), owned: true)
            default: NftBatch.removal(of: "inet256vpn")
            }
        let hex = batch.hex
        #expect(hex == recorded("\(name).hex", hex))
    }

    @Test func aChangeOfElementsIsNothingElse() {
        let batch = NftBatch.change(from: Samples.small(hosts: [1, 2]), to: Samples.small(hosts: [2, 3]))
        // NFT_MSG_DELSETELEM and NFT_MSG_NEWSETELEM between the beginning and the end.
        #expect(batch.types == [0x10, 0xa0e, 0xa0c, 0x11])
        #expect(NftBatch.change(from: Samples.small(), to: Samples.small()).messages == 2)
    }

    @Test func manyElementsAreSeveralMessagesOfOneBatch() {
        let batch = NftBatch.fresh(Samples.large(rules: 1, hosts: 10000), owned: true, replacing: false)
        #expect(batch.types.filter { $0 == 0xa0c }.count == 5)
        #expect(batch.types.last == 0x11)
    }
}

extension NftBatch {
    private var bytes: [UInt8] { withBytes { Array($0) } }

    /// One message a line, in lines of 32 bytes.
    fileprivate var hex: String {
        var text = ""
        for message in split() {
            for start in stride(from: 0, to: message.count, by: 32) {
                text += start == 0 ? "" : "  "
                for byte in message[start..<min(start + 32, message.count)] {
                    text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
                }
                text += "\n"
            }
        }
        return text
    }

    fileprivate var types: [UInt16] { split().map { UInt16($0[4]) | UInt16($0[5]) << 8 } }

    private func split() -> [[UInt8]] {
        var rest = bytes[...]
        var messages: [[UInt8]] = []
        while rest.count >= 16 {
            let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            messages.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return messages
    }
}
