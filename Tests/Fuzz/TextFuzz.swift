import Millrace
import MillraceLog
import MillraceModel

/// What is read from text: names of files, numbers, keys, positions. What is read is written the same way, so that no
/// two texts mean one thing.
enum TextFuzz {
    static func names(_ input: Input) {
        var input = input
        _ = input.byte()
        guard let name = text(input.rest()) else { return }
        if let id = FileNames.logID(name) { same(FileNames.log(id), name) }
        if let base = FileNames.baseOrdinal(name) { same(FileNames.segment(base), name) }
        if let (byteCount, number) = FileNames.spare(name) {
            same(FileNames.spare(byteCount: byteCount, number: number), name)
        }
        let kinds = [FileNames.logID(name) != nil, FileNames.baseOrdinal(name) != nil, FileNames.spare(name) != nil]
        require(kinds.count { $0 } <= 1, "\(name) names one thing")
    }

    static func texts(_ input: Input) {
        var input = input
        let kind = input.byte() % 6
        let bytes = input.rest()
        if kind == 4 { return partitionKey(bytes) }
        guard let text = text(bytes) else { return }
        switch kind {
        case 0: if let number = try? SequenceNumber(text) { sequenceNumber(number, text) }
        case 1: if let key = try? HashKey(text) { same(key.description, text) }
        case 2: if let shard = try? ShardID(text) { same(shard.description, text) }
        case 3: if let name = try? StreamName(text) { same(name.text, text) }
        default: position(text)
        }
    }

    /// Making a string of many bytes that are no UTF-8 takes the standard library long; the engine makes none of such.
    private static func text(_ bytes: [UInt8]) -> String? {
        bytes.count < 4096 ? String(decoding: bytes, as: UTF8.self) : String(validating: bytes, as: UTF8.self)
    }

    private static func same(_ written: String, _ text: String) {
        require(written.utf8.elementsEqual(text.utf8), "\(text) was written as \(written)")
    }

    private static func sequenceNumber(_ number: SequenceNumber, _ text: String) {
        same(number.description, text)
        let again = SequenceNumber(
            shardCreationSecond: number.shardCreationSecond, shardID: number.shardID, ordinal: number.ordinal,
            recordSecond: number.recordSecond)
        require(again == number, "\(text) is made of its parts")
    }

    private static func partitionKey(_ bytes: [UInt8]) {
        // Safe because any byte is a valid UInt8.
        guard let key = try? PartitionKey(utf8: unsafe bytes.span.bytes) else { return }
        require(key.text.utf8.elementsEqual(bytes), "a key keeps its bytes")
        require((1...Limits.partitionKeyByteCount).contains(key.byteCount), "\(key.byteCount) bytes of key")
        let again = try? PartitionKey(key.text)
        require(again == key && again?.hashKey == key.hashKey, "equal keys have one place")
    }

    private static func position(_ text: String) {
        guard let position = try? StreamPosition(text) else { return }
        let again = try? StreamPosition(position.description)
        require(again == position, "\(text) was written as \(position)")
    }
}
