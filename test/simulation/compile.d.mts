export function compileSimulation(): { script: string; remove(): void };
