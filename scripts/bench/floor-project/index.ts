// An empty program: what the engine, its language host and Node take before anything is done.
export {};
