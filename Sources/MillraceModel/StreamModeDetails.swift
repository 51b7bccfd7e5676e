/// A stream's capacity mode as a request gives it, not yet checked. Rule: service model, shape StreamModeDetails.
public struct StreamModeDetails: Hashable, Sendable {
    /// A name of `StreamMode`. Required.
    public var streamMode: String?

    public init(streamMode: String?) { self.streamMode = streamMode }
    public init(_ mode: StreamMode) { self.init(streamMode: mode.rawValue) }

    func check(_ check: inout ConstraintCheck) {
        check.choice(streamMode, of: StreamMode.self, required: true, at: "streamModeDetails.streamMode")
    }
}
