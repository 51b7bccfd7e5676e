/// Checks the members of one request and gathers what is wrong, to say all of it in one error, as AWS's front end does.
///
/// Every check of form in the library goes through here, so that a text is refused with the same words wherever it
/// comes from. A request without a fault costs no allocation, an ARN apart.
struct ConstraintCheck {
    private var violationCount = 0
    private var texts: [String] = []

    /// Runs the checks of `body`.
    ///
    /// - Throws: `KinesisError.validation` when one of them failed, with every violation in the order of the checks.
    @inline(__always)
    static func run(_ body: (inout ConstraintCheck) -> Void) throws(KinesisError) {
        var check = ConstraintCheck()
        body(&check)
        if check.violationCount > 0 { throw check.error }
    }

    /// - Throws: `KinesisError.validation` when `text` does not satisfy the rule.
    static func text(_ text: String, _ rule: TextRule, at member: String) throws(KinesisError) {
        try run { $0.text(text, rule, at: member) }
    }

    /// The error that says that one value does not satisfy one constraint.
    static func refusal(_ constraint: Constraint, _ echo: String?, at member: String) -> KinesisError {
        var check = ConstraintCheck()
        check.refuse(constraint, echo, member)
        return check.error
    }

    private var error: KinesisError {
        let noun = violationCount == 1 ? "error" : "errors"
        return .validation("\(violationCount) validation \(noun) detected: " + texts.joined(separator: "; "))
    }

    // MARK: Checks

    /// Refuses a member that is absent.
    mutating func present<Value>(_ value: Value?, at member: @autoclosure () -> String) {
        if value == nil { refuse(.present, nil, member()) }
    }

    mutating func text(
        _ text: String?, _ rule: TextRule, required: Bool = false, at member: @autoclosure () -> String
    ) {
        guard let text else {
            if required { refuse(.present, nil, member()) }
            return
        }
        if rule.isSatisfied(by: text) { return }
        for constraint in rule.violations(by: text) { refuse(constraint, Self.echo(text), member()) }
    }

    mutating func integer(
        _ value: Int?, atLeast lowest: Int, atMost highest: Int? = nil, required: Bool = false,
        at member: @autoclosure () -> String
    ) {
        guard let value else {
            if required { refuse(.present, nil, member()) }
            return
        }
        if value < lowest { refuse(.valueAtLeast(lowest), "\(value)", member()) }
        if let highest, value > highest { refuse(.valueAtMost(highest), "\(value)", member()) }
    }

    mutating func integer(
        _ value: Int?, in bounds: ClosedRange<Int>, required: Bool = false, at member: @autoclosure () -> String
    ) {
        integer(value, atLeast: bounds.lowerBound, atMost: bounds.upperBound, required: required, at: member())
    }

    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ text: String?, of type: Choice.Type, required: Bool = false, at member: @autoclosure () -> String
    ) where Choice.RawValue == String {
        guard let text else {
            if required { refuse(.present, nil, member()) }
            return
        }
        if type.init(rawValue: text) == nil { refuse(Self.oneOf(type), Self.echo(text), member()) }
    }

    /// The length of a list or a blob; the value itself is not repeated.
    mutating func length(
        _ count: Int?, _ bounds: ClosedRange<Int>, unit: String, required: Bool = true,
        at member: @autoclosure () -> String
    ) {
        guard let count else {
            if required { refuse(.present, nil, member()) }
            return
        }
        if count < bounds.lowerBound { refuse(.lengthAtLeast(bounds.lowerBound), "(\(count) \(unit))", member()) }
        if count > bounds.upperBound { refuse(.lengthAtMost(bounds.upperBound), "(\(count) \(unit))", member()) }
    }

    mutating func data(_ data: [UInt8]?, at member: @autoclosure () -> String) {
        length(data?.count, 0...Limits.maximumRecordByteCount, unit: "bytes", at: member())
    }

    mutating func entries(_ entries: [PutEntry]?, at member: String) {
        length(entries?.count, Limits.putRecordsCount, unit: "members", at: member)
        guard let entries else { return }
        let (partitionKey, hashKey) = (TextRule.partitionKey, TextRule.hashKey)
        for index in entries.indices where !Self.isSound(entries[index], partitionKey, hashKey) {
            let (entry, place) = (entries[index], "\(member).\(index + 1).member")
            data(entry.data, at: place + ".data")
            text(entry.explicitHashKey, hashKey, at: place + ".explicitHashKey")
            text(entry.partitionKey, partitionKey, required: true, at: place + ".partitionKey")
        }
    }

    /// Whether an entry violates nothing. By itself, since it is asked of every record.
    @inline(__always)
    private static func isSound(_ entry: PutEntry, _ partitionKey: TextRule, _ hashKey: TextRule) -> Bool {
        guard let data = entry.data, let key = entry.partitionKey else { return false }
        return data.count <= Limits.maximumRecordByteCount && partitionKey.isSatisfied(by: key)
            && entry.explicitHashKey.map(hashKey.isSatisfied) ?? true
    }

    /// A list of texts: its length, and once for all members what each of them must satisfy.
    mutating func texts(
        _ list: [String]?, _ bounds: ClosedRange<Int>, each rule: TextRule, at member: @autoclosure () -> String
    ) {
        length(list?.count, bounds, unit: "members", at: member())
        if let list, !list.allSatisfy(rule.isSatisfied) {
            refuse(.members(rule.constraints), Self.echo(list: list), member())
        }
    }

    mutating func choices<Choice: RawRepresentable & CaseIterable>(
        _ list: [String]?, _ bounds: ClosedRange<Int>, of type: Choice.Type, at member: @autoclosure () -> String
    ) where Choice.RawValue == String {
        length(list?.count, bounds, unit: "members", at: member())
        if let list, !list.allSatisfy({ type.init(rawValue: $0) != nil }) {
            refuse(.members([Self.oneOf(type)]), Self.echo(list: list), member())
        }
    }

    mutating func tags(_ tags: [String: String]?, required: Bool, at member: @autoclosure () -> String) {
        length(tags?.count, Limits.tagsInCallCount, unit: "entries", required: required, at: member())
        guard let tags else { return }
        if !tags.keys.allSatisfy(TextRule.tagKey.isSatisfied) {
            refuse(.keys(TextRule.tagKey.constraints), Self.echo(map: tags), member())
        }
        if !tags.values.allSatisfy(TextRule.tagValue.isSatisfied) {
            refuse(.values(TextRule.tagValue.constraints), Self.echo(map: tags), member())
        }
    }

    /// - Parameter echo: the value, bounded; nil for none.
    mutating func refuse(_ constraint: Constraint, _ echo: String?, _ member: String) {
        violationCount += 1
        guard texts.count < Limits.errorViolationCount else { return }
        let value = echo.map { "'\($0)'" } ?? "null"
        texts.append("Value \(value) at '\(member)' failed to satisfy constraint: \(constraint.text)")
    }

    private static func oneOf<Choice: RawRepresentable & CaseIterable>(_ type: Choice.Type) -> Constraint
    where Choice.RawValue == String {
        .oneOf(type.allCases.map(\.rawValue))
    }

    // MARK: Echo

    /// The front of `value`, marked if it is not all.
    static func echo(_ value: String) -> String {
        let scalars = value.unicodeScalars
        guard
            let end = scalars.index(
                scalars.startIndex, offsetBy: Limits.errorEchoScalarCount, limitedBy: scalars.endIndex),
            end != scalars.endIndex
        else { return value }
        return String(scalars[..<end]) + "..."
    }

    private static func echo(list: [String]) -> String { echo(gather(list, "[", "]")) }

    private static func echo(map: [String: String]) -> String {
        echo(gather(map.sorted { $0.key < $1.key }.lazy.map { echo($0.key) + "=" + $0.value }, "{", "}"))
    }

    /// As many of the parts as an echo can show, and one more.
    private static func gather(_ parts: some Sequence<String>, _ open: String, _ close: String) -> String {
        var text = open
        var separator = ""
        for part in parts {
            if text.utf8.count > 4 * Limits.errorEchoScalarCount { return text }
            text += separator + echo(part)
            separator = ", "
        }
        return text + close
    }
}

extension KinesisError {
    /// A record whose data and key together are larger than its stream takes.
    package static func recordTooLarge(byteCount: Int, limitByteCount: Int) -> KinesisError {
        ConstraintCheck.refusal(
            .lengthAtMost(limitByteCount), "(\(byteCount) bytes with the partition key)", at: "data")
    }
}
