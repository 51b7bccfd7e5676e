/// What the service model asks of one kind of text: a length in Unicode scalars, a pattern, or both.
struct TextRule: Hashable, Sendable {
    let length: ClosedRange<Int>?
    let pattern: TextPattern?

    init(_ length: ClosedRange<Int>? = nil, _ pattern: TextPattern? = nil) {
        self.length = length
        self.pattern = pattern
    }

    // Named after the model's shapes.
    static let streamName = TextRule(Limits.nameCharacterCount, .name)
    static let shardID = TextRule(Limits.nameCharacterCount, .name)
    static let consumerName = TextRule(Limits.nameCharacterCount, .name)
    static let streamID = TextRule(Limits.streamIDCharacterCount, .streamID)
    static let streamARN = TextRule(Limits.arnCharacterCount, .streamARN)
    static let consumerARN = TextRule(Limits.arnCharacterCount, .consumerARN)
    static let resourceARN = TextRule(Limits.arnCharacterCount, .resourceARN)
    static let partitionKey = TextRule(Limits.partitionKeyScalarCount)
    static let hashKey = TextRule(nil, .hashKey)
    static let sequenceNumber = TextRule(nil, .sequenceNumber)
    static let shardIterator = TextRule(Limits.shardIteratorCharacterCount)
    static let nextToken = TextRule(Limits.nextTokenCharacterCount)
    static let keyID = TextRule(Limits.keyIDCharacterCount)
    static let tagKey = TextRule(Limits.tagKeyCharacterCount)
    static let tagValue = TextRule(Limits.tagValueCharacterCount)

    /// O(n), n bytes of `text`.
    func isSatisfied(by text: String) -> Bool {
        if let length {
            let byteCount = text.utf8.count
            // One to four bytes a scalar: a count is needed only where the bytes do not decide.
            if byteCount < length.lowerBound || byteCount > 4 * length.upperBound { return false }
            if byteCount > length.upperBound || length.lowerBound > 1 {
                if !length.contains(text.unicodeScalars.count) { return false }
            }
        }
        return pattern?.matches(text) ?? true
    }

    /// What `text` does not satisfy. O(n).
    func violations(by text: String) -> [Constraint] {
        var violations: [Constraint] = []
        if let pattern, !pattern.matches(text) { violations.append(.pattern(pattern)) }
        if let length {
            let count = text.unicodeScalars.count
            if count < length.lowerBound { violations.append(.lengthAtLeast(length.lowerBound)) }
            if count > length.upperBound { violations.append(.lengthAtMost(length.upperBound)) }
        }
        return violations
    }

    /// The whole rule, in the order in which AWS lists it for members of lists and maps.
    var constraints: [Constraint] {
        var all: [Constraint] = []
        if let length { all += [.lengthAtMost(length.upperBound), .lengthAtLeast(length.lowerBound)] }
        if let pattern { all.append(.pattern(pattern)) }
        return all
    }
}
