package import Millrace
import MillraceIO
package import MillraceLog

/// One life of a store of streams, decided in full by its seed: what is done, what time does, what fails. A value.
///
/// Every step draws its own chances from its own number, so that a life with steps left out does the same in the others.
package struct SimulationPlan: Sendable {
    package struct Step: Sendable {
        package var action: StreamAction
        package var draw: UInt64
    }

    package let seed: UInt64
    package let configuration: LogConfiguration
    package var options: ServiceOptions
    /// What the model goes by, where that is not what the store does: to show that the difference is found.
    package var modelOptions: ServiceOptions?
    package var steps: [Step]

    package static let stepCount = 2000

    package init(seed: UInt64, stepCount: Int = SimulationPlan.stepCount) {
        let dice = SeededEntropy(seed: seed &* 0x9E37_79B9_7F4A_7C15 &+ 3)
        var configuration = Harness.smallConfiguration
        configuration.memoryByteCount = 16 << 20
        configuration.greatestRecordByteCount = LogConfiguration().greatestRecordByteCount
        configuration.bufferByteCount = [512, 1024, 4096][dice.next(below: 3)]
        configuration.cacheByteCount = dice.chance(0.5) ? 8 << 10 : 64 << 10
        configuration.isCompressing = dice.chance(0.7)
        if dice.chance(0.2) { configuration.openSegmentLimit = 1 }
        if dice.chance(0.2) { configuration.ordinalsPerGeneration = 50 }
        var draw = StreamActionDraw(dice)
        draw.hasLargeRecords = false
        draw.hasAckLevels = dice.chance(0.7)
        draw.streamCount = 1 + dice.next(below: 3)
        var options = ServiceOptions()
        options.capacity = [.off, .off, .off, .off, .off, .enforce, .enforce, .warn][dice.next(below: 8)]
        if dice.chance(0.3) { options.transitionMilliseconds = [1, 100, 1000, 60_000, 400_000][dice.next(below: 5)] }
        draw.hasLimits = options.capacity != .off
        // What is put in a burst must not wait unwritten for a step.
        if draw.hasLimits { draw.hasAckLevels = false }
        draw.hasSubscriptions = dice.chance(0.5)
        draw.hasScaling = dice.chance(0.25)
        draw.hasShortTimes = draw.hasLimits || draw.hasSubscriptions || options.transitionMilliseconds > 0
        self.options = options
        self.seed = seed
        self.configuration = configuration
        steps = (0..<max(1, stepCount)).map { index in
            Step(action: index == 0 ? draw.create(0) : draw.world(), draw: dice.next())
        }
    }

    package init(_ plan: SimulationPlan, steps: [Step]) {
        self = plan
        self.steps = steps
    }
}
