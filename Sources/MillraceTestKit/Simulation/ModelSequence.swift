import Millrace
import MillraceIO
import MillraceLog

/// A list of actions that is done to a store and to its model, from an empty disk. A value; one thread.
package struct ModelSequence: Sendable {
    package let seed: UInt64
    package var actions: [StreamAction]

    /// A wrong that is done to the model before an action: to show that the search finds it.
    package typealias Mutation = @Sendable (StreamAction, inout ReferenceStore) -> Void

    package static let length = 50

    /// The list of that seed.
    package init(seed: UInt64, length: Int = ModelSequence.length) {
        let draw = StreamActionDraw(SeededEntropy(seed: seed &* 0x9E37_79B9_7F4A_7C15 &+ 2))
        self.init(seed: seed, actions: [draw.create(0)] + (1..<max(1, length)).map { _ in draw.service() })
    }

    package init(seed: UInt64, actions: [StreamAction]) {
        self.seed = seed
        self.actions = actions
    }

    /// What came of a list.
    package struct Run: Hashable, Sendable {
        /// A hash over what was done and seen.
        package let trace: UInt64
        package let tally: StreamTally
    }

    @discardableResult
    package func run(_ mutation: Mutation? = nil) throws(SimulationFailure) -> Run {
        var world = World(seed: seed)
        var step = 0
        do {
            var actor = StreamActor(try world.open())
            defer { actor.store.abandon() }
            for index in actions.indices {
                step = index
                mutation?(actions[index], &actor.model)
                try world.perform(actions[index], &actor)
            }
            return Run(trace: actor.trace, tally: actor.tally)
        } catch {
            throw SimulationFailure(
                seed: seed, step: step, detail: "\(error)", lines: actions[...step].map(\.line), kind: "model")
        }
    }

    /// Leaves out actions, many at first, as long as the store and its model still disagree.
    package func shrunk(_ failure: SimulationFailure, _ mutation: Mutation? = nil, tries: Int = 2000) -> SimulationFailure {
        var best = failure
        let start = Array(actions.prefix(failure.step + 1))
        _ = ListShrinker.run(start, tries: tries) { actions in
            let smaller = ModelSequence(seed: seed, actions: actions)
            do throws(SimulationFailure) { try smaller.run(mutation) } catch {
                best = error
                return error.step + 1
            }
            return nil
        }
        return best
    }

    /// The disk, and time by hand.
    private struct World {
        let disk = ShadowIO()
        let clock = ManualClock()
        let entropy: SeededEntropy

        init(seed: UInt64) { entropy = SeededEntropy(seed: seed) }

        func open() throws -> StreamStore {
            try StreamStore(
                at: "/store", io: disk, clock: clock, entropy: entropy, configuration: ModelSequence.configuration)
        }

        mutating func perform(_ action: StreamAction, _ actor: inout StreamActor) throws {
            let now = UInt64(clock.wallNanoseconds() / 1_000_000)
            (actor.model.now, actor.model.aging, actor.model.steady) = (now, now, clock.steadyNanoseconds())
            switch action {
            case .advanceClock(let milliseconds):
                // Nanoseconds since 1970 end in 2262.
                if Int64(now) + milliseconds < 8_000_000_000_000 { clock.advance(milliseconds: milliseconds) }
            case .passTime(let microseconds): clock.advance(nanoseconds: microseconds * 1000)
            case .dropCache: actor.store.engine.dropCache()
            case .closeAndReopen:
                try actor.store.closeBlocking()
                (actor.subscriptions, actor.store) = ([:], try open())
                for name in actor.model.streams.keys.sorted() {
                    try actor.checkShards(Int(name.dropFirst()) ?? 0)
                }
            default: try actor.perform(action)
            }
        }
    }

    /// No threads, small files, and records as large as the service takes them.
    static var configuration: LogConfiguration {
        var configuration = Harness.smallConfiguration
        configuration.greatestRecordByteCount = LogConfiguration().greatestRecordByteCount
        configuration.memoryByteCount = 64 << 20
        configuration.writeShareByteCount = 40 << 20
        configuration.unwrittenByteLimit = 36 << 20
        return configuration
    }
}

/// Where a store did other than its model, or broke a promise, and how to see it again.
package struct SimulationFailure: Error, Sendable, CustomStringConvertible {
    package let seed: UInt64
    /// Index of the action.
    package let step: Int
    package let detail: String
    /// The actions up to that one.
    package let lines: [String]
    /// What was run: `model` or `simulation`.
    package let kind: String

    /// What lives that life again.
    private var replay: String {
        "MILLRACE_SEED=\(seed) swift test -c release --disable-xctest --filter "
            + (kind == "model" ? "ModelTests" : "SimulationTests")
    }

    package var description: String {
        (["\(kind), seed \(seed), action \(step): \(detail)", "replay: \(replay)", "actions:"]
            + lines.map { "    \($0)," }).joined(separator: "\n")
    }
}

/// Makes a failing list small: leaves out stretches, half of it at first and single elements at last, while it fails.
enum ListShrinker {
    /// - Parameter fails: how many elements of the list the failure needs; nil when there is none.
    static func run<Element>(_ list: [Element], tries: Int, fails: ([Element]) -> Int?) -> [Element] {
        var list = list
        var left = tries
        var size = max(1, list.count / 2)
        while left > 0 {
            var at = 0
            var hasShrunk = false
            while at < list.count, left > 0 {
                var smaller = list
                smaller.removeSubrange(at..<min(at + size, list.count))
                left -= 1
                if !smaller.isEmpty, let count = fails(smaller) {
                    list = Array(smaller.prefix(count))
                    hasShrunk = true
                } else {
                    at += size
                }
            }
            if size == 1, !hasShrunk { break }
            size = max(1, size / 2)
        }
        return list
    }
}
