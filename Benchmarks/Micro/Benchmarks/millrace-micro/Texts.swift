import Millrace
import MillraceIO
import MillraceModel

/// What clients get and send back as text: sequence numbers and shard iterators.
func registerTexts() {
    measure("sequence-number-write") {
        Timed { count in
            var sum = 0
            for index in 0..<count { sum += number(index).description.utf8.count }
            return sum
        }
    }
    measure("sequence-number-read") {
        let texts = (0..<64).map { number($0 << 20).description }
        return Timed { count in
            var sum: UInt64 = 0
            for index in 0..<count { sum &+= try SequenceNumber(texts[index % texts.count]).ordinal }
            return Int(truncatingIfNeeded: sum)
        }
    }
    measure("iterator-token-write") {
        let secret = TokenSecret(drawnFrom: SeededEntropy(seed: 1))
        return Timed { count in
            var sum = 0
            for index in 0..<count { sum += token(index).text(secret).utf8.count }
            return sum
        }
    }
    measure("iterator-token-read") {
        let secret = TokenSecret(drawnFrom: SeededEntropy(seed: 1))
        let texts = (0..<64).map { token($0).text(secret) }
        return Timed { count in
            var sum: UInt64 = 0
            for index in 0..<count {
                sum &+= try IteratorToken(texts[index % texts.count], secret, nowMilliseconds: issued + 5).ordinal
            }
            return Int(truncatingIfNeeded: sum)
        }
    }
}

/// Milliseconds since 1970 UTC.
private let issued: Int64 = 1_700_000_000_000

private func number(_ index: Int) -> SequenceNumber {
    SequenceNumber(
        shardCreationSecond: 1_700_000_000, shardID: ShardID(index: 3), ordinal: 1 << 40 + UInt64(index),
        recordSecond: 1_700_000_001)
}

private func token(_ index: Int) -> IteratorToken {
    IteratorToken(
        streamID: 7, shardID: ShardID(index: 3), shardCreationSecond: 1_700_000_000, ordinal: 1 << 40 + UInt64(index),
        issuedMilliseconds: issued)
}
