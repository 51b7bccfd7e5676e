extension SeedSearch {
    /// Lives lives; a failing one is made small.
    package func runSimulation(stepCount: Int = SimulationPlan.stepCount, shrinkTries: Int = 400) -> Report {
        run { seed in
            var simulation = Simulation(SimulationPlan(seed: seed, stepCount: stepCount))
            simulation.run()
            var outcome = simulation.outcome
            if let failure = outcome.failure {
                outcome.failure = SimulationPlan(seed: seed, stepCount: stepCount).shrunk(failure, tries: shrinkTries)
            }
            return outcome
        }
    }
}

extension SimulationPlan {
    /// What was done and seen in this life, as a hash; nil when it failed.
    package func traceOfRun() -> UInt64? {
        var simulation = Simulation(self)
        simulation.run()
        return simulation.outcome.failure == nil ? simulation.trace : nil
    }

    /// Leaves out steps, many at first, as long as the life still fails.
    func shrunk(_ failure: SimulationFailure, tries: Int) -> SimulationFailure {
        var best = failure
        _ = ListShrinker.run(Array(steps.prefix(failure.step + 1)), tries: tries) { steps in
            var simulation = Simulation(SimulationPlan(self, steps: steps))
            simulation.run()
            guard let failure = simulation.outcome.failure else { return nil }
            best = failure
            return failure.step + 1
        }
        return best
    }
}
