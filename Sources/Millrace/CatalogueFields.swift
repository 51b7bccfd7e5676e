/// The fields of a catalogue record, one behind the other: type 1, reserved 3, length 4, value. Integers little-endian.
struct CatalogueFields {
    /// Types from here up must be understood.
    static let leastRequired: UInt8 = 128
    static let headByteCount = 8

    // MARK: Writing

    private(set) var bytes: [UInt8]

    init(kind: UInt8) { bytes = [CatalogueRecord.version, kind, 0, 0, 0, 0, 0, 0] }

    mutating func add(_ type: UInt8, _ value: [UInt8]) {
        bytes += [type, 0, 0, 0] + Self.bytes(of: UInt32(value.count)) + value
    }
    mutating func add(_ type: UInt8, _ text: String) { add(type, Array(text.utf8)) }
    mutating func add(_ type: UInt8, _ word: some FixedWidthInteger) { add(type, Self.bytes(of: word)) }

    static func bytes<Word: FixedWidthInteger>(of word: Word) -> [UInt8] {
        (0..<Word.bitWidth / 8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
    }
}

/// The same, read; nothing is trusted.
struct CatalogueFieldReader {
    typealias Refusal = CatalogueRecord.Refusal
    private var fields: [UInt8: ArraySlice<UInt8>] = [:]

    init(_ bytes: [UInt8]) throws(Refusal) {
        var at = CatalogueFields.headByteCount
        while at < bytes.count {
            let head = CatalogueFields.headByteCount
            guard bytes.count - at >= head else { throw .damaged(byteOffset: at, "a field's head is cut") }
            let type = bytes[at]
            let byteCount = Int(Self.word(bytes[(at + 4)..<(at + 8)]) as UInt32)
            guard byteCount <= bytes.count - at - head else {
                throw .damaged(byteOffset: at, "a field of \(byteCount) bytes is cut")
            }
            if type >= CatalogueFields.leastRequired { throw .newer }
            let value = bytes[(at + head)..<(at + head + byteCount)]
            guard type != 0, fields.updateValue(value, forKey: type) == nil else {
                throw .damaged(byteOffset: at, "field \(type) is invalid or there twice")
            }
            at += head + byteCount
        }
    }

    /// nil when the field is not there.
    func optional(_ type: UInt8) -> ArraySlice<UInt8>? { fields[type] }

    func field(_ type: UInt8, byteCount: Int? = nil) throws(Refusal) -> ArraySlice<UInt8> {
        guard let value = fields[type], byteCount == nil || value.count == byteCount else {
            throw .damaged(byteOffset: fields[type]?.startIndex ?? 0, "field \(type) is missing or of a wrong length")
        }
        return value
    }

    func word<Word: FixedWidthInteger>(_ type: UInt8) throws(Refusal) -> Word {
        Self.word(try field(type, byteCount: Word.bitWidth / 8))
    }

    /// UTF-8 of at most so many bytes. The length is looked at first: making a string of many bytes that are no text takes long.
    func text(_ type: UInt8, greatestByteCount: Int) throws(Refusal) -> String {
        try Self.text(try field(type), greatestByteCount: greatestByteCount)
    }

    static func text(_ bytes: ArraySlice<UInt8>, greatestByteCount: Int) throws(Refusal) -> String {
        guard bytes.count <= greatestByteCount, let text = String(validating: bytes, as: UTF8.self) else {
            throw .damaged(byteOffset: bytes.startIndex, "\(bytes.count) bytes are no text, or too long")
        }
        return text
    }

    /// The parts of a field that consists of equal ones.
    func parts(_ type: UInt8, byteCount: Int, limit: Int) throws(Refusal) -> [ArraySlice<UInt8>] {
        let bytes = try field(type)
        guard bytes.count % byteCount == 0, bytes.count / byteCount <= limit else {
            throw .damaged(byteOffset: bytes.startIndex, "\(bytes.count) bytes of field \(type)")
        }
        return stride(from: bytes.startIndex, to: bytes.endIndex, by: byteCount).map { bytes[$0..<($0 + byteCount)] }
    }

    static func word<Word: FixedWidthInteger>(_ bytes: ArraySlice<UInt8>) -> Word {
        bytes.reversed().reduce(0) { $0 << 8 | Word($1) }
    }
}

extension ArraySlice<UInt8> {
    /// The integer at `at` bytes behind the slice's start, which has as many.
    func word<Word: FixedWidthInteger>(_ at: Int, _ type: Word.Type = Word.self) -> Word {
        CatalogueFieldReader.word(self[(startIndex + at)..<(startIndex + at + Word.bitWidth / 8)])
    }
}
