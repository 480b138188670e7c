import Testing
import Wire

@Suite struct CheckedBytesTests {
    private let ten = [UInt8](0..<10)

    /// Every offset and length around the ends, and those that overflow when they are added.
    @Test func slicesLieWithin() {
        let odd = [Int.min, Int.min + 1, -11, -1, 0, 1, 9, 10, 11, .max - 1, .max]
        ten.withUnsafeBytes { bytes in
            for offset in odd {
                for count in odd {
                    let isWithin = (0...10).contains(offset) && (0...10).contains(count) && offset + count <= 10
                    let slice = bytes.slice(offset, count)
                    #expect((slice != nil) == isWithin, "\(offset), \(count)")
                    if let slice { #expect(Array(slice) == Array(ten[offset..<offset + count])) }
                }
                #expect(Array(bytes.tail(from: offset)) == ((0...9).contains(offset) ? Array(ten[offset...]) : []))
            }
        }
    }

    @Test func mutableOnesToo() {
        var bytes = ten
        let odd = [Int.min, -1, 0, 3, 10, 11, .max]
        bytes.withUnsafeMutableBytes { bytes in
            for offset in odd {
                for count in odd {
                    let isWithin = (0...10).contains(offset) && (0...10).contains(count) && offset + count <= 10
                    #expect((bytes.slice(offset, count) != nil) == isWithin, "\(offset), \(count)")
                }
                #expect(bytes.tail(from: offset).count == ((0...9).contains(offset) ? 10 - offset : 0))
            }
            bytes.slice(8, 2)?.copyBytes(from: [80, 90])
        }
        #expect(bytes == [0, 1, 2, 3, 4, 5, 6, 7, 80, 90])
    }

    @Test func numbersLieWithin() {
        ten.withUnsafeBytes { bytes in
            #expect(bytes.little(UInt32.self, at: 6) == 0x0908_0706)
            #expect(bytes.big(UInt32.self, at: 6) == 0x0607_0809)
            #expect(bytes.big(UInt64.self, at: 1) == 0x0102_0304_0506_0708)
            for offset in [Int.min, -1, 7, 10, .max - 3, .max] {
                #expect(bytes.little(UInt32.self, at: offset) == nil)
                #expect(bytes.big(UInt32.self, at: offset) == nil)
                #expect(bytes.host(UInt32.self, at: offset) == nil)
            }
        }
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        #expect(nothing.host(UInt8.self, at: 0) == nil)
        #expect(nothing.slice(0, 0)?.count == 0)
    }
}
