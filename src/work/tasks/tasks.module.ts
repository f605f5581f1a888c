import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AgentLeases } from '../../fleet/agents/agent-leases.port.js';
import { AgentsModule } from '../../fleet/agents/agents.module.js';
import { BoardTasks } from '../../fleet/boards/board-tasks.port.js';
import { BoardsModule } from '../../fleet/boards/boards.module.js';
import { erasable } from '../../platform/erasure/erasable.js';
import { ApprovalsModule } from '../../safeguards/approvals/approvals.module.js';
import { AgentDeletionsListener } from './agent-deletions.listener.js';
import { AgentLeasesRepository } from './agent-leases.repository.js';
import { AgentLeasesService } from './agent-leases.service.js';
import { AgentTasksAccess } from './agent-tasks-access.js';
import { AgentTasksController } from './agent-tasks.controller.js';
import { AgentTasksService } from './agent-tasks.service.js';
import { AttemptsRepository } from './attempts.repository.js';
import { BoardCompletionsService } from './board-completions.service.js';
import { BoardTasksService } from './board-tasks.service.js';
import { BoardRulesService } from './board-rules.service.js';
import { ClaimTasksService } from './claim-tasks.service.js';
import { ClaimsRepository } from './claims.repository.js';
import { DeadLetter } from './dead-letter.entity.js';
import { DeadLetterPacer } from './dead-letter-pacer.js';
import { DeadLettersController } from './dead-letters.controller.js';
import { DeadLettersRepository } from './dead-letters.repository.js';
import { DeadLettersService } from './dead-letters.service.js';
import { LaneRemovalRepository } from './lane-removal.repository.js';
import { LaneRemovalService } from './lane-removal.service.js';
import { LaneTimes } from './lane-times.js';
import { LeaseReaper } from './lease-reaper.js';
import { LeasesRepository } from './leases.repository.js';
import { LeasesService } from './leases.service.js';
import { TaskComment } from './task-comment.entity.js';
import { TaskCommentsRepository } from './task-comments.repository.js';
import { TaskCommentsService } from './task-comments.service.js';
import { TaskCreationService } from './task-creation.service.js';
import { TaskDependenciesListener } from './task-dependencies.listener.js';
import { TaskDependenciesRepository } from './task-dependencies.repository.js';
import { TaskDependenciesService } from './task-dependencies.service.js';
import { Task } from './task.entity.js';
import { TaskCountsRepository } from './task-counts.repository.js';
import { TaskLanesRepository } from './task-lanes.repository.js';
import { TaskOrders } from './task-orders.port.js';
import { TaskOrdersService } from './task-orders.service.js';
import { TaskMakersRepository } from './task-makers.repository.js';
import { TaskReadsRepository } from './task-reads.repository.js';
import { TaskEndings } from './task-endings.port.js';
import { TaskReferencesService } from './task-references.service.js';
import { TaskBreakersListener } from './task-breakers.listener.js';
import { TaskSignal } from './task-signal.js';
import { TaskStreamService } from './task-stream.service.js';
import { TaskToolsRepository } from './task-tools.repository.js';
import { TaskWaiters } from './task-waiters.js';
import { TASK_CONTENT } from './tasks.erasure.js';
import { TasksController } from './tasks.controller.js';
import { TasksReader } from './tasks.reader.js';
import { TasksRepository } from './tasks.repository.js';
import { TasksService } from './tasks.service.js';

const REPOSITORIES = [AgentLeasesRepository, AttemptsRepository, ClaimsRepository, DeadLettersRepository, LaneRemovalRepository, LaneTimes, LeasesRepository, TaskCommentsRepository, TaskCountsRepository, TaskLanesRepository, TaskMakersRepository, TaskReadsRepository, TasksRepository, TaskToolsRepository];
const SERVICES = [
  AgentDeletionsListener, AgentTasksAccess, AgentTasksService, BoardRulesService, ClaimTasksService, BoardCompletionsService, DeadLetterPacer, DeadLettersService, LaneRemovalService, LeaseReaper,
  LeasesService, TaskBreakersListener, TaskCommentsService, TaskCreationService, TaskDependenciesListener, TaskDependenciesRepository, TaskDependenciesService, TaskEndings, TaskReferencesService, TaskSignal, TasksReader, TasksService, TaskStreamService, TaskWaiters,
];

/** Tasks, the agent protocol and the dead letters. Global for the two ports that the fleet asks. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([Task, TaskComment, DeadLetter]), AgentsModule, BoardsModule, ApprovalsModule],
  controllers: [TasksController, AgentTasksController, DeadLettersController],
  providers: [...REPOSITORIES, ...SERVICES, erasable({ ofAgents: TASK_CONTENT }), { provide: AgentLeases, useClass: AgentLeasesService }, { provide: TaskOrders, useClass: TaskOrdersService }, { provide: BoardTasks, useClass: BoardTasksService }],
  exports: [AgentLeases, BoardTasks, LeaseReaper, TaskEndings, TaskOrders, TasksReader],
})
export class TasksModule {}
