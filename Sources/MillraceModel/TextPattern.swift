/// The regular expressions of the service model. Each is matched by hand, in one pass over the bytes and with no
/// backtracking, against the whole text, as AWS does.
enum TextPattern: Hashable, Sendable {
    case name
    case streamID
    case streamARN
    case consumerARN
    case resourceARN
    case hashKey
    case sequenceNumber

    /// The model's words for it.
    var text: String {
        switch self {
        case .name: "[a-zA-Z0-9_.-]+"
        case .streamID: "[a-z0-9]{20}-[a-z0-9]{3}"
        case .streamARN: #"arn:aws.*:kinesis:.*:\d{12}:stream/\S+"#
        case .consumerARN:
            #"^(arn):aws.*:kinesis:.*:\d{12}:.*stream\/[a-zA-Z0-9_.-]+\/consumer\/[a-zA-Z0-9_.-]+:[0-9]+"#
        case .resourceARN: #"arn:aws.*:kinesis:.*:\d{12}:.*stream/\S+"#
        case .hashKey: #"0|([1-9]\d{0,38})"#
        case .sequenceNumber: #"0|([1-9]\d{0,128})"#
        }
    }

    func matches(_ text: String) -> Bool {
        switch self {
        case .name: !text.utf8.isEmpty && text.utf8.allSatisfy(Self.isNameByte)
        case .streamID: Self.isStreamID(text)
        case .streamARN: ARNText.isStream(text)
        case .consumerARN: ARNText.isConsumer(text)
        case .resourceARN: ARNText.isResource(text)
        case .hashKey: DecimalText.isCanonical(text, digitCount: Limits.hashKeyDigitCount)
        case .sequenceNumber: DecimalText.isCanonical(text, digitCount: Limits.sequenceNumberDigitCount)
        }
    }

    static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private static func isStreamID(_ text: String) -> Bool {
        guard text.utf8.count == 24 else { return false }
        return text.utf8.enumerated().allSatisfy { place, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): place != 20
            case UInt8(ascii: "-"): place == 20
            default: false
            }
        }
    }
}
