/// What a power loss may do to a `ShadowIO`: the knobs of `crash(_:entropy:)`. A value.
package struct CrashOptions: Sendable, Equatable {
    /// Which of the name changes since the last directory sync survive.
    package enum Names: Sendable, Equatable {
        /// The first few, in order: a file system with a journal.
        case prefix
        /// Any of them, but a change survives only with the earlier changes of the same name.
        case subset
        /// One of the two, drawn for each state.
        case either
        case none
        case all
    }

    /// What survives or is lost as a whole: 512 (a sector) or 4096 (a page) bytes; nil draws one for each state.
    package var unitByteCount: Int? = nil
    /// How likely an unsynced unit survives, 0...1; nil draws 0, 1/10, 1/2, 9/10, 1, or "in order" for each state. In
    /// order means of each file its first few writes, and the last of them perhaps torn.
    package var keepProbability: Double? = nil
    /// How likely a surviving unit is the newest version, 0...1. Otherwise it is one of all versions since the last sync.
    package var newestProbability: Double = 0.5
    /// How likely a surviving unit is torn: part of it newer, part older, cut at multiples of 8 bytes. 0...1.
    package var tearProbability: Double = 0.1
    package var names: Names = .either

    package init(
        unitByteCount: Int? = nil, keepProbability: Double? = nil, newestProbability: Double = 0.5,
        tearProbability: Double = 0.1, names: Names = .either
    ) {
        self.unitByteCount = unitByteCount
        self.keepProbability = keepProbability
        self.newestProbability = newestProbability
        self.tearProbability = tearProbability
        self.names = names
    }

    /// Exactly what was synced survives.
    package static let nothing = CrashOptions(
        unitByteCount: 4096, keepProbability: 0, tearProbability: 0, names: .none)

    /// Everything survives, as if all had been synced. (`ShadowIO.kill` ends the process and leaves the
    /// unsynced bytes unsynced.)
    package static let everything = CrashOptions(
        unitByteCount: 4096, keepProbability: 1, newestProbability: 1, tearProbability: 0, names: .all)
}
