"""What running code stands on: store, instances, memories, traps, calls between Python and wasm."""
