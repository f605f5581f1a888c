export declare function memoryFolder(): string;
