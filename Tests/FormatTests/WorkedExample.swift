import Foundation
import MillraceLog
import MillraceTestKit
import MillraceTestSupport

/// Section 12 of docs/FORMAT.md: the fields of the fixture `one-record`, each as offset, bytes and what they say.
struct WorkedExample {
    struct Line: Equatable {
        var byteOffset: Int
        var bytes: [UInt8]
        var meaning: String
    }

    static let path = "docs/FORMAT.md"
    private static let title = "## 13. A worked example"
    let lines: [Line]

    /// What the document says now.
    static func read() throws -> WorkedExample {
        let text = try Fixtures.text(path)
        guard let start = text.range(of: title) else { return WorkedExample(lines: []) }
        var lines: [Line] = []
        for line in text[start.upperBound...].split(separator: "\n") {
            let parts = line.split(separator: ";", maxSplits: 1)
            let words = parts[0].split(separator: " ")
            guard parts.count == 2, words.count >= 2, let byteOffset = Int(words[0]) else { continue }
            lines.append(
                Line(
                    byteOffset: byteOffset, bytes: words.dropFirst().compactMap { UInt8($0, radix: 16) },
                    meaning: parts[1].trimmingPrefix(" ").description))
        }
        return WorkedExample(lines: lines)
    }

    /// The same from the file's own bytes.
    static func make(_ file: [UInt8]) throws -> WorkedExample {
        var lines: [Line] = []
        func line(_ byteOffset: Int, _ count: Int, _ meaning: String) {
            lines.append(
                Line(byteOffset: byteOffset, bytes: Array(file[byteOffset..<byteOffset + count]), meaning: meaning))
        }
        func number(_ byteOffset: Int, _ count: Int) -> UInt64 {
            (0..<count).reduce(0) { $0 | UInt64(file[byteOffset + $1]) << UInt64(8 * $1) }
        }
        func value(_ byteOffset: Int, _ count: Int, _ meaning: String) {
            line(byteOffset, count, "\(meaning): \(number(byteOffset, count))")
        }
        // Page 0.
        line(0, 8, "magic MILLRSEG")
        value(8, 2, "format version")
        value(10, 2, "least version that can read it")
        value(12, 4, "segment number")
        line(32, 16, "store identity")
        value(48, 8, "log id")
        line(56, 8, "base ordinal: generation \(number(56, 8) >> 40), counter \(number(56, 8) & 0xFF_FFFF_FFFF)")
        line(64, 8, "salt")
        value(72, 8, "file size")
        value(80, 8, "previous segment's end ordinal, without one")
        value(96, 8, "creation time")
        line(4092, 4, "CRC of bytes 0..<4092")
        // The note that the close wrote.
        let slot = DurableNote.byteOffset(ofSequence: 2)
        line(slot, 8, "magic MILLRNOT")
        value(slot + 8, 8, "sequence")
        line(slot + 16, 8, "durable below: generation \(number(slot + 16, 8) >> 40), counter \(number(slot + 16, 8) & 0xFF_FFFF_FFFF)")
        value(slot + 24, 8, "byte offset behind the last durable block")
        line(slot + 32, 8, "written below: the same")
        value(slot + 40, 8, "byte offset behind the last written block")
        line(slot + 48, 16, "boot identity")
        value(slot + 64, 8, "time of the note")
        value(slot + 72, 8, "arrival time of the last record")
        line(slot + 88, 4, "flags: closed cleanly")
        value(slot + 92, 4, "blocks")
        line(slot + 96, 4, "header CRC of the last block")
        value(slot + 100, 4, "segment number")
        line(slot + 104, 8, "salt, as in the header")
        line(slot + 112, 4, "CRC of the header page, as at 4092")
        line(slot + 4092, 4, "CRC of the note, continued from positioned(\(slot))")
        // The block.
        let at = Format.blocksByteOffset
        let directoryByteCount = Int(number(at + 40, 4)), keyByteCount = Int(file[at + 64 + 6])
        line(at, 4, "header CRC: bytes \(at + 4)..<\(at + 64), continued from positioned(\(at))")
        line(at + 4, 4, "body CRC: directory and payload")
        line(at + 8, 8, "first ordinal")
        line(at + 16, 8, "durable when written: nothing yet but the log's start")
        value(at + 24, 8, "arrival time of the first record")
        value(at + 32, 4, "record count")
        value(at + 36, 4, "greatest arrival time minus the first")
        value(at + 40, 4, "directory bytes")
        value(at + 44, 4, "payload bytes, raw")
        value(at + 48, 4, "payload bytes, stored")
        line(at + 52, 4, "chain: the segment header's CRC")
        value(at + 56, 4, "block number")
        line(at + 60, 1, "codec: raw")
        value(at + 61, 1, "extension count")
        line(at + 62, 2, "flags")
        line(at + 64, 5, "data length: width 0, least \(number(at + 65, 4))")
        line(at + 69, 5, "key length: width 0, least \(number(at + 70, 4))")
        line(at + 74, 5, "arrival delta: width 0, least 0")
        line(at + 79, 5, "record flags: width 0, least 0")
        let payloadAt = at + 64 + directoryByteCount, payloadByteCount = Int(number(at + 48, 4))
        let keyText = String(decoding: file[payloadAt..<payloadAt + keyByteCount], as: UTF8.self)
        line(payloadAt, keyByteCount, "key \"\(keyText)\"")
        let data = file[payloadAt + keyByteCount..<payloadAt + payloadByteCount]
        line(payloadAt + keyByteCount, data.count, "data \"\(String(decoding: data, as: UTF8.self))\"")
        let end = payloadAt + payloadByteCount
        line(end, Format.align8(end) - end, "pad to a multiple of 8")
        return WorkedExample(lines: lines.filter { !$0.bytes.isEmpty })
    }

    /// The section's text.
    func section(of path: String) -> String {
        let rows = lines.map { line -> String in
            let hex = line.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
            let place = String(line.byteOffset)
            return String(repeating: " ", count: 5 - place.utf8.count) + place + "  " + hex
                + String(repeating: " ", count: max(0, 48 - hex.utf8.count)) + "; " + line.meaning
        }
        return """
            \(Self.title)

            One record, key "flight" and data "to Boston", in a new log of a new store, closed cleanly: every byte of
            `\(path)`
            that is not zero, but for the note in the other slot, which is the one the segment began with. A test holds these
            lines against the file.

            ```
            \(rows.joined(separator: "\n"))
            ```

            """
    }

    /// Replaces the section, or adds it at the end of the document.
    func write(of path: String) throws {
        var text = try Fixtures.text(Self.path)
        if let start = text.range(of: Self.title) { text = String(text[..<start.lowerBound]) } else { text += "\n" }
        try Fixtures.write(Array((text + section(of: path)).utf8), to: Self.path)
    }
}
