import INET256
import Wire

/// Genuine inputs for the decoders of the API, and some that are nearly so.
enum APISeeds {
    static func all(_ keys: [PrivateKey]) -> [(String, [[UInt8]])] {
        let streams = recorded.map { [0] + $0 } + [[0] + recorded.joined(), [1] + recorded.joined(), [7] + faulty[0]]
        let base64 = ["", "AA==", "AAA=", "AAAA", "AA", "AAA", "AAAA=", "A===", "AB==", "+/+/", "-_-_", "AA==AA=="]
        return [
            ("nodeframe", streams + faulty.map { [0] + $0 }), ("clientframe", streams + faulty.map { [3] + $0 }),
            ("noderequest", requests(keys)), ("answerhead", heads), ("clientjson", json.map { Array($0.utf8) }),
            ("base64", base64.map { Array($0.utf8) }),
        ]
    }

    /// Frames of another implementation: `api_frames` of Tests/Vectors/inet256.json, in the order DATA, KEEP, FIND
    /// (question, answer, error), PUBK (the same).
    private static let recorded: [[UInt8]] = [
        "000000244441544174604db743e23b880dcf3478ed265ac61f68e091d1b8be378c382f55f2c5a56e",
        "000000294441544174604db743e23b880dcf3478ed265ac61f68e091d1b8be378c382f55f2c5a56e68656c6c6f",
        "000000044b454550",
        "0000003046494e44db034e61fb7ce30a8ec15ad064162f5b7b22707265666978223a226447413d222c226e6269747322"
            + "3a31337d",
        "0000005146494e44db034e61fb7ce30a8ec15ad064162f5b7b226f6b223a7b2261646472223a2253353043686f455844"
            + "7356436e6e477376484f506c57786373383647694173725932566a4b554134644c73227d7d",
        "0000007246494e44db034e61fb7ce30a8ec15ad064162f5b7b226f6b223a7b2261646472223a222d2d2d2d2d2d2d2d2d"
            + "2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d227d2c226572726f72223a226e6f"
            + "2061646472657373207769746820707265666978227d",
        "0000004c5055424bdb034e61fb7ce30a8ec15ad064162f5b7b22746172676574223a2253353043686f4558447356436e"
            + "6e477376484f506c57786373383647694173725932566a4b554134644c73227d",
        "000000305055424bdb034e61fb7ce30a8ec15ad064162f5b7b226f6b223a7b227075626c69635f6b6579223a22613256"
            + "35227d7d",
        "0000003c5055424bdb034e61fb7ce30a8ec15ad064162f5b7b226f6b223a7b7d2c226572726f72223a227075626c6963"
            + "206b6579206e6f7420666f756e64227d",
    ].map(bytes)

    /// The longest frame's head and one more than that; too short for its type, too long, of no type.
    private static let faulty: [[UInt8]] = [
        "0001002344415441", "0001002444415441", "0000000300000000",
        "0000002344415441" + String(repeating: "00", count: 31),
        "000000054b45455000", "0000001346494e44" + String(repeating: "00", count: 15), "0000000458585858", "ffffffff",
    ].map { recorded[1] + bytes($0) }

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.compactMap { $0.hexDigitValue.map(UInt8.init) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    private static func requests(_ keys: [PrivateKey]) -> [[UInt8]] {
        keys.flatMap { key -> [[UInt8]] in
            let head = Array("\(key.address)\n{\"private_key\":\"".utf8)
            let text = key.text().withBytes { Array($0) }
            let end = Array("\"}".utf8)
            return [head + text + end, Array(head.dropFirst()) + text + end, head + text.dropLast(5) + end]
        }
            + [
                #"{"prefix":"dGA=","nbits":13}"#, #"{ "nbits" : 256 , "prefix" : "AAAA" }"#,
                #"{"prefix":"","nbits":-0}"#,
                #"{"nbits":1e9,"nbits":[{"a":[null,true]},2]}"#, #"{"target":"x\u0041\"\\\/\b\f\n\r\t"}"#, "{}", "{} x",
                #"{"":"","a":{}}"#, #"{"target":"\u00e9"}"#, #"{"target":"a","target":"b",}"#,
                String(repeating: #"{"a":"#, count: 33) + "1" + String(repeating: "}", count: 33),
            ].map { Array(("\n" + $0).utf8) }
    }

    private static let heads: [[UInt8]] =
        [
            "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nX: y\r\n\r\nframes", "HTTP/1.0 200\n\n",
            "HTTP/1.1 403 Forbidden\r\ncontent-LENGTH:\t 12 \r\n\r\n{\"error\":1}",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 503 x\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "SSH-2.0-x\r\n",
            "HTTP/1.1 abc\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno field\r\n\r\n", "\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            " HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 +20 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
        ].flatMap { text in [[0] + Array(text.utf8), [3] + Array(text.utf8)] }
        // Behind a phrase that makes the head as long as it may be.
        + ["\r\n\r\n", "\r\nA: b\r\n\r\n", "\r\nA: " + String(repeating: "b", count: 30) + "\r\n\r\n"].map {
            [0xf1] + Array($0.utf8)
        }

    private static let json = [
        #"{"ok":{"addr":"x"}}"#, #"{"ok":{},"error":"no address"}"#,
        #" {"a": [1, {"b": null}], "t": "x\"\u00e9\ud83d\ude00\n"} "#,
        #"{"ok":{"public_key":"a2V5"}}"#, "[]", "[1,2,[3,[4]]]", #""\u0000""#, #""\ud83d""#, #"{"a":1,}"#, "-1.5e+10",
        "true", "{",
        "[1", #"{"a":"b"} x"#, #"{"target":"a","target":"b"}"#, "caf\u{e9} \u{1f600} \u{0}\u{7f}",
    ]
}
